// What else moves on a report: the confusion matrix, folding, copying, light and dark, paper; and how all begins.
"use strict";

// -- confusion ------------------------------------------------------------------------------------------------------

// Says what a cell means: by mouse, or by the arrow keys.
function confusion(box) {
  const table = box.querySelector("table");
  const readout = box.querySelector(".readout");
  const rows = [...table.tBodies[0].rows];
  const labels = rows.map((row) => row.cells[0].title || row.cells[0].textContent);
  let here = null;

  function go(row, column) {
    const cell = rows[row].cells[column + 1];
    if (here) {
      here.cell.classList.remove("here");
      if (!here.cell.className) {
        here.cell.removeAttribute("class");
      }
    }
    here = { row, column, cell };
    cell.classList.add("here");
    const counts = labels.map((label, i) => Number(rows[row].cells[i + 1].textContent.replace(/,/g, "")));
    const sum = counts.reduce((a, b) => a + b, 0);
    const share = sum ? ` (${((100 * counts[column]) / sum).toFixed(1)} %)` : "";
    readout.textContent = `true ${labels[row]}, said ${labels[column]}: ${whole.format(counts[column])} of ${whole.format(sum)}${share}`;
    return cell;
  }

  const find = (event) => {
    const cell = event.target.closest("tbody td");
    if (cell && cell.cellIndex <= labels.length) {
      go(rows.indexOf(cell.parentNode), cell.cellIndex - 1);
    }
  };
  table.addEventListener("mouseover", find);
  table.addEventListener("click", find);
  box.querySelector(".scroll").addEventListener("keydown", (event) => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move) {
      return;
    }
    const within = (value) => Math.max(0, Math.min(labels.length - 1, value));
    const cell = here ? go(within(here.row + move[0]), within(here.column + move[1])) : go(0, 0);
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    event.preventDefault();
  });
}

// -- blocks of layers -----------------------------------------------------------------------------------------------

function foldable(table) {
  const rows = [...table.tBodies[0].rows];
  const depth = (row) => Number(row.dataset.depth);
  const fold = () => {
    let hidden = Infinity;
    for (const row of rows) {
      if (depth(row) <= hidden) {
        hidden = Infinity;
      }
      row.hidden = depth(row) > hidden;
      const toggle = row.querySelector(".folder");
      if (!row.hidden && toggle && toggle.getAttribute("aria-expanded") === "false") {
        hidden = depth(row);
      }
    }
  };
  for (const toggle of table.querySelectorAll(".folder")) {
    toggle.addEventListener("click", () => {
      toggle.setAttribute("aria-expanded", String(toggle.getAttribute("aria-expanded") === "false"));
      fold();
    });
  }
  if (rows.length > 40) {
    table.querySelectorAll(".folder").forEach((toggle) => toggle.setAttribute("aria-expanded", "false"));
    fold();
  }
}

// -- copying --------------------------------------------------------------------------------------------------------

function copied(pre) {
  if (!navigator.clipboard) {
    return;
  }
  const act = button("Copy", false, () => {
    navigator.clipboard.writeText(pre.textContent).then(
      () => (act.textContent = "Copied"),
      () => (act.textContent = "Cannot copy here"),
    );
  });
  act.removeAttribute("aria-pressed");
  act.classList.add("copied");
  pre.closest(".scroll").after(act);
}

// -- light, dark and paper ------------------------------------------------------------------------------------------

const KEPT = "netspec-theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function kept(value) {
  try {
    return value === undefined ? window.sessionStorage.getItem(KEPT) : window.sessionStorage.setItem(KEPT, value);
  } catch {
    return null; // a page from a file may have no storage
  }
}

function theme(name) {
  root.dataset.theme = name;
  const toggle = document.getElementById("theme");
  toggle.hidden = false;
  press(toggle, name === "dark");
  redrawn.forEach((draw) => draw());
}

const wished = () => kept() || (dark.matches ? "dark" : "light");
theme(wished());
document.getElementById("theme").addEventListener("click", () => {
  kept(root.dataset.theme === "dark" ? "light" : "dark");
  theme(wished());
});
dark.addEventListener("change", () => theme(wished()));

let opened = [];
window.addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open], .aside)")];
  opened.forEach((one) => (one.open = true));
  start(document);
  theme("light");
  sized.forEach((resize) => resize(PRINTED));
});
window.addEventListener("afterprint", () => {
  opened.forEach((one) => (one.open = false));
  theme(wished());
  sized.forEach((resize) => resize());
});

// -- beginning ------------------------------------------------------------------------------------------------------

// What is in a folded part is drawn when that is opened: before, it has no width.
function start(within) {
  const ready = (element) => {
    const seen = element.dataset.ready || (element.parentElement && element.parentElement.closest("details:not([open])"));
    if (!seen) {
      element.dataset.ready = "yes";
    }
    return !seen;
  };
  for (const element of within.querySelectorAll("[data-group]")) {
    const curves = element.dataset.group === "comparison" ? data.comparison : data.groups[Number(element.dataset.group)];
    if (curves && ready(element)) {
      new Group(element, curves);
    }
  }
  for (const element of within.querySelectorAll("[data-health]")) {
    const health = data.health[Number(element.dataset.health)];
    if (health && ready(element)) {
      new Health(element, health);
    }
  }
}

start(document);
document.addEventListener("toggle", (event) => event.target.open && start(event.target), true);
document.querySelectorAll(".matrix").forEach(confusion);
document.querySelectorAll("table.layers").forEach(foldable);
document.querySelectorAll(".command pre").forEach(copied);

// A link to a part that is folded opens it.
function unfold() {
  const target = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
  const around = target && target.closest("details");
  if (around) {
    around.open = true;
  }
}
window.addEventListener("hashchange", unfold);
unfold();

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth !== width) {
    width = window.innerWidth;
    sized.forEach((resize) => resize());
  }
});
