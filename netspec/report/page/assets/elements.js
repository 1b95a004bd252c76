// What the scripts of a report have in common: its data, elements, numbers, colours. They are written by hand, and run
// as they stand; texts reach the page by textContent alone.
"use strict";

const data = JSON.parse(document.getElementById("netspec-data").textContent);
const root = document.documentElement;
const redrawn = []; // what is drawn anew when the colours change
const sized = []; // what is drawn anew when the page's width changes
const PRINTED = 660; // pixels across a printed page

// -- elements -------------------------------------------------------------------------------------------------------

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

function button(text, pressed, act) {
  const element = make("button", { type: "button", "aria-pressed": String(pressed) }, text);
  element.addEventListener("click", () => act(element));
  return element;
}

function press(element, pressed) {
  element.setAttribute("aria-pressed", String(pressed));
}

function pressed(element) {
  return element.getAttribute("aria-pressed") === "true";
}

// Buttons of which one is pressed.
function choice(label, options, first, act) {
  const group = make("div", { class: "choices", role: "group", "aria-label": label });
  for (const [value, text] of options) {
    group.append(
      button(text, value === first, (element) => {
        for (const other of group.children) {
          press(other, other === element);
        }
        act(value);
      }),
    );
  }
  return group;
}

// -- numbers --------------------------------------------------------------------------------------------------------

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function short(value) {
  if (value === null || value === undefined) {
    return "–";
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  }
  return size >= 1000 ? whole.format(value) : String(Number(value.toPrecision(4)));
}

function clock(seconds) {
  const rest = Math.round(seconds);
  const hours = Math.floor(rest / 3600);
  const minutes = Math.floor(rest / 60) % 60;
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest % 60)}` : `${minutes}:${two(rest % 60)}`;
}

const AXES = {
  steps: { title: "Step", one: "step", whole: true, text: (v) => whole.format(v) },
  epochs: { title: "Epoch", one: "epoch", text: (v) => String(Number(v.toFixed(2))) },
  examples: { title: "Examples", one: "example", whole: true, text: (v) => (v >= 1e6 ? `${short(v / 1e6)} M` : whole.format(v)) },
  seconds: { title: "Time", one: "at", text: clock },
};

// Where a step lies on another axis: between two known points as a straight line has it.
function placed(axis, kind, steps) {
  if (kind === "steps") {
    return steps;
  }
  const xs = axis.steps;
  const ys = axis[kind];
  let i = 1;
  return steps.map((step) => {
    while (i < xs.length - 1 && xs[i] < step) {
      i += 1;
    }
    while (i > 1 && xs[i - 1] > step) {
      i -= 1;
    }
    if (xs.length < 2) {
      return ys[0];
    }
    const share = (step - xs[i - 1]) / (xs[i] - xs[i - 1] || 1);
    return ys[i - 1] + share * (ys[i] - ys[i - 1]);
  });
}

// An exponential average that starts at the first value, as if there had been nothing before.
function smoothed(values, weight) {
  let mean = 0;
  let sum = 0;
  return values.map((value) => {
    mean = weight * mean + (1 - weight) * value;
    sum = weight * sum + (1 - weight);
    return mean / sum;
  });
}

function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? low : high;
}

// -- colours --------------------------------------------------------------------------------------------------------

const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
const lineColour = (line) => colour(`line-${((line.colour - 1) % 8) + 1}`);

function faint(hex, share) {
  return hex + Math.round(255 * share).toString(16).padStart(2, "0");
}
