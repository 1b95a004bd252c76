// Layers’ health: a picture with a row a layer and a column a time.
"use strict";

const HEAT = [
  [68, 1, 84], [65, 68, 135], [42, 120, 142], [34, 168, 132], [122, 209, 81], [253, 231, 37],
]; // viridis, of Matplotlib (Smith and van der Walt), at six places

function heat(share) {
  const place = Math.max(0, Math.min(1, share)) * (HEAT.length - 1);
  const i = Math.min(HEAT.length - 2, Math.floor(place));
  const mixed = HEAT[i].map((low, k) => Math.round(low + (place - i) * (HEAT[i + 1][k] - low)));
  return `rgb(${mixed.join(",")})`;
}

// A picture with a row a layer and a column a time; the colour is one measure of the layer.
class Health {
  constructor(element, health) {
    this.health = health;
    this.measure = Object.keys(health.measures)[0];
    this.at = null;
    const options = Object.keys(health.measures).map((name) => [name, data.measures[name].title]);
    const controls = make("div", { class: "controls" });
    if (options.length > 1) {
      controls.append(choice("Measure", options, this.measure, (name) => this.show(name)));
    }
    this.about = make("p", { class: "scale" });
    this.canvas = make("canvas", { tabindex: "0", role: "application" });
    this.readout = make("p", { class: "readout", "aria-live": "polite" });
    this.box = make("div", { class: "scroll health-box" }, this.canvas);
    element.append(controls, this.about, this.box, this.readout);
    this.canvas.addEventListener("mousemove", (event) => this.point(event));
    this.canvas.addEventListener("click", (event) => this.point(event));
    this.canvas.addEventListener("mouseleave", () => this.go(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.show(this.measure);
    redrawn.push(() => this.draw());
    sized.push((width) => this.draw(width));
  }

  show(name) {
    this.measure = name;
    const rows = this.health.measures[name];
    this.rows = rows.map((row, i) => i).filter((i) => rows[i].some((value) => value !== null));
    const values = this.rows.flatMap((i) => rows[i]).filter((v) => v !== null && (this.shares() || v > 0));
    this.low = this.shares() || !values.length ? 0 : Math.min(...values);
    this.high = this.shares() ? 1 : Math.max(0, ...values);
    const { title, about } = data.measures[name];
    const ramp = make("span", { class: "ramp", role: "img", "aria-label": "from dark to bright" });
    const scale = make("span", {}, short(this.low), ramp, short(this.high));
    this.about.replaceChildren(make("span", {}, `${title}: ${about}.`), scale);
    const keys = "Arrow keys move from layer to layer and from step to step.";
    this.canvas.setAttribute("aria-label", `${title} of each layer over the steps. ${keys}`);
    this.draw();
  }

  shares() {
    return data.measures[this.measure].scale === "share";
  }

  share(value) {
    if (this.shares()) {
      return value;
    }
    if (value <= 0) {
      return 0;
    }
    return this.high > this.low ? Math.log(value / this.low) / Math.log(this.high / this.low) : 0.5;
  }

  // Where things are, in CSS pixels.
  layout(width) {
    const all = width || this.box.clientWidth || 600;
    const context = this.canvas.getContext("2d");
    context.font = `12px ${colour("text")}`;
    const names = this.rows.map((i) => context.measureText(this.health.layers[i]).width);
    const left = Math.min(all * 0.4, Math.max(...names, 30) + 12);
    const high = this.rows.length > 40 ? 14 : 20;
    return { all, left, high, wide: (all - left - 6) / this.health.steps.length, height: high * this.rows.length + 26 };
  }

  draw(width) {
    if (!width && !this.box.clientWidth) {
      return;
    }
    const { all, left, high, wide, height } = (this.place = this.layout(width));
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(all * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = `${all}px`;
    this.canvas.style.height = `${height}px`;
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.font = `12px ${colour("text")}`;
    context.textBaseline = "middle";
    const values = this.health.measures[this.measure];
    this.rows.forEach((layer, row) => {
      context.fillStyle = colour("ink");
      context.textAlign = "right";
      context.fillText(this.fitting(context, this.health.layers[layer], left - 10), left - 8, (row + 0.5) * high);
      values[layer].forEach((value, column) => {
        context.fillStyle = value === null ? colour("sheet") : heat(this.share(value));
        context.fillRect(left + column * wide, row * high, wide + 0.4, high - 1);
      });
    });
    this.steps(context);
    if (this.at) {
      context.strokeStyle = colour("ink");
      context.lineWidth = 2;
      context.strokeRect(left + this.at[1] * wide, this.at[0] * high, Math.max(wide, 3), high - 1);
    }
  }

  fitting(context, text, room) {
    let cut = text;
    while (cut.length > 2 && context.measureText(cut).width > room) {
      cut = `…${cut.slice(cut.startsWith("…") ? 2 : 1)}`;
    }
    return cut;
  }

  steps(context) {
    const { all, left, wide, height } = this.place;
    const { steps } = this.health;
    const every = Math.max(1, Math.ceil(80 / wide));
    context.fillStyle = colour("muted");
    context.textAlign = "center";
    for (let i = 0; i < steps.length; i += every) {
      const x = Math.min(all - 20, left + (i + 0.5) * wide);
      context.fillText(whole.format(steps[i]), x, height - 12);
    }
  }

  point(event) {
    const place = this.canvas.getBoundingClientRect();
    const { left, high, wide } = this.place;
    const row = Math.floor((event.clientY - place.top) / high);
    const column = Math.floor((event.clientX - place.left - left) / wide);
    const inside = row >= 0 && row < this.rows.length && column >= 0 && column < this.health.steps.length;
    this.go(inside ? [row, column] : null);
  }

  key(event) {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[event.key];
    if (!move) {
      return;
    }
    const [row, column] = this.at || [0, this.health.steps.length - 1];
    const within = (value, count) => Math.max(0, Math.min(count - 1, value));
    this.go(
      this.at
        ? [within(row + move[0], this.rows.length), within(column + move[1], this.health.steps.length)]
        : [row, column],
    );
    event.preventDefault();
  }

  go(at) {
    this.at = at;
    if (at) {
      const layer = this.rows[at[0]];
      const value = this.health.measures[this.measure][layer][at[1]];
      const step = whole.format(this.health.steps[at[1]]);
      this.readout.textContent = `${this.health.layers[layer]}, step ${step}: ${short(value)}`;
    } else {
      this.readout.textContent = "";
    }
    this.draw();
  }
}
