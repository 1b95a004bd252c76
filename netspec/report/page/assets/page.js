// What moves on a report: curves, layers' health, folding, the theme. Written by hand, and run as it stands.
//
// The page's data is the JSON in #netspec-data; uPlot draws the curves. Texts reach the page by textContent alone.
"use strict";

(() => {
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
    steps: { title: "Step", one: "step", text: (v) => whole.format(v) },
    epochs: { title: "Epoch", one: "epoch", text: (v) => String(Number(v.toFixed(2))) },
    examples: { title: "Examples", one: "example", text: (v) => (v >= 1e6 ? `${short(v / 1e6)} M` : whole.format(v)) },
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

  // -- curves ---------------------------------------------------------------------------------------------------------

  // All charts of one run, or of a comparison: they share the axis, the smoothing, the zoom and the cursor.
  class Group {
    constructor(element, curves) {
      this.curves = curves;
      this.axis = "steps";
      this.smoothing = curves === data.comparison ? 0 : 0.6; // means are smooth already
      this.zoom = null;
      this.charts = [];
      element.before(this.controls());
      for (const figure of element.querySelectorAll("[data-chart]")) {
        this.charts.push(new Chart(this, figure, curves.charts[Number(figure.dataset.chart)]));
      }
      for (const chart of this.charts) {
        chart.draw();
      }
      redrawn.push(() => this.charts.forEach((chart) => chart.recolour()));
      sized.push((width) => this.charts.forEach((chart) => chart.resize(width)));
    }

    controls() {
      const kinds = Object.keys(AXES).filter((kind) => this.curves.axes.every((axis) => axis[kind].length > 1));
      const bar = make("div", { class: "controls" });
      if (kinds.length > 1) {
        const options = kinds.map((kind) => [kind, AXES[kind].title]);
        bar.append(choice("Axis across", options, "steps", (kind) => this.across(kind)));
      }
      if (this.curves.charts.some((chart) => chart.lines.some((line) => line.smooth))) {
        const slider = make("input", { type: "range", min: "0", max: "0.99", step: "0.01", value: this.smoothing });
        const said = make("output", {}, this.smoothing.toFixed(2));
        slider.addEventListener("input", () => {
          this.smoothing = Number(slider.value);
          said.textContent = this.smoothing.toFixed(2);
          this.redraw();
        });
        bar.append(make("label", {}, "Smoothing", slider, said));
      }
      this.whole = button("Whole width", false, () => this.zoomTo(null));
      this.whole.removeAttribute("aria-pressed");
      this.whole.hidden = true;
      bar.append(this.whole);
      return bar;
    }

    across(kind) {
      this.axis = kind;
      this.zoom = null;
      this.whole.hidden = true;
      this.redraw();
    }

    redraw() {
      this.charts.forEach((chart) => chart.draw());
    }

    // The ends of the axis, the same in all charts.
    ends() {
      if (this.zoom) {
        return this.zoom;
      }
      const all = this.charts.flatMap((chart) => chart.ends());
      const low = Math.min(...all);
      const high = Math.max(...all);
      return high > low ? [low, high] : [low - 1, high + 1];
    }

    zoomTo(ends) {
      this.zoom = ends && ends[1] > ends[0] ? ends : null;
      this.whole.hidden = this.zoom === null;
      const [min, max] = this.ends();
      for (const chart of this.charts) {
        chart.plot.setScale("x", { min, max });
      }
    }

    zoomAround(x, factor) {
      const [low, high] = this.ends();
      this.zoomTo([x - (x - low) * factor, x + (high - x) * factor]);
    }

    // The cursors of all charts go to the same place.
    point(from, x) {
      for (const chart of this.charts) {
        if (chart !== from) {
          chart.follow(x);
        }
      }
    }
  }

  class Chart {
    constructor(group, figure, chart) {
      this.group = group;
      this.figure = figure;
      this.chart = chart;
      this.hidden = new Set();
      this.logarithmic = chart.logarithmic;
      this.legend();
      const about = `${chart.title}. Arrow keys move the cursor, plus and minus zoom, 0 shows all.`;
      this.box = make("div", { class: "plotted", tabindex: "0", role: "application", "aria-label": about });
      figure.append(this.box);
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.touch();
    }

    legend() {
      const caption = this.figure.querySelector("figcaption");
      this.readout = make("span", { class: "readout", "aria-live": "off" });
      caption.append(this.readout);
      if (this.chart.positive) {
        const log = button("Log scale", this.logarithmic, (element) => {
          this.logarithmic = !this.logarithmic;
          press(element, this.logarithmic);
          this.draw();
        });
        log.classList.add("log");
        caption.append(log);
      }
      const legend = make("div", { class: "legend", role: "group", "aria-label": "Curves" });
      this.values = this.chart.lines.map((line, i) => {
        const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
        const value = make("span", { class: "value" });
        const toggle = button("", true, (element) => {
          press(element, !pressed(element));
          this.hidden[pressed(element) ? "delete" : "add"](i);
          this.draw();
        });
        toggle.append(swatch, line.name, value);
        legend.append(toggle);
        return { swatch, value };
      });
      this.figure.append(legend);
    }

    shown() {
      return this.chart.lines.filter((line, i) => !this.hidden.has(i));
    }

    axisOf(line) {
      return this.group.curves.axes[line.axis];
    }

    xs(line, steps = line.steps) {
      return placed(this.axisOf(line), this.group.axis, steps);
    }

    ends() {
      return this.chart.lines.flatMap((line) => {
        const xs = this.xs(line);
        return [xs[0], xs[xs.length - 1]];
      });
    }

    // The tables that uPlot joins, and the series that they hold.
    content() {
      const tables = [];
      const series = [{}];
      const bands = [];
      const weight = this.group.smoothing;
      const fit = (values) => (this.logarithmic ? values.map((v) => (v > 0 ? v : null)) : values);
      for (const line of this.shown()) {
        const stroke = () => lineColour(line);
        const xs = this.xs(line);
        if (line.low.length) {
          tables.push([xs, fit(line.high), fit(line.low)]);
          bands.push({ series: [series.length, series.length + 1], fill: () => faint(lineColour(line), 0.15) });
          series.push({ stroke: "transparent", points: { show: false } }, { stroke: "transparent", points: { show: false } });
        }
        const rough = line.smooth && weight > 0;
        tables.push([xs, fit(line.values)]);
        series.push({
          stroke: rough ? () => faint(lineColour(line), 0.28) : stroke,
          width: rough ? 1 : 1.75,
          points: { show: line.points && line.steps.length < 80, size: 5, fill: stroke, stroke },
        });
        if (rough) {
          const [steps, values] = line.means || [line.steps, line.values];
          tables.push([this.xs(line, steps), fit(smoothed(values, weight))]);
          series.push({ stroke, width: 2, points: { show: false } });
        }
      }
      for (const one of series.slice(1)) {
        one.spanGaps = true;
      }
      return { joined: tables.length ? uPlot.join(tables, tables.map((t) => t.map(() => 0))) : [[]], series, bands };
    }

    draw() {
      const at = this.plot && this.at;
      if (this.plot) {
        this.plot.destroy();
      }
      const { joined, series, bands } = this.content();
      const ink = () => colour("muted");
      // Of a logarithmic axis, only the powers of ten have lines, unless it spans less than two of them.
      const filter = (plot, marks) => {
        const powers = marks.map((v) => (v > 0 && Number.isInteger(Number(Math.log10(v).toFixed(9))) ? v : null));
        return this.logarithmic && powers.filter((v) => v !== null).length > 1 ? powers : marks;
      };
      const grid = { stroke: () => colour("rule"), width: 1 };
      const ticks = { ...grid, size: 4 };
      const upright = { grid: { ...grid, filter }, ticks: { ...ticks, filter } };
      const font = `12px ${colour("text")}`;
      this.plot = new uPlot(
        {
          width: this.width || Math.max(200, this.box.clientWidth),
          height: this.chart.wide ? 340 : 230,
          padding: [10, 20, 0, 0],
          legend: { show: false },
          series,
          bands,
          cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
          scales: {
            x: { time: false, range: () => this.group.ends() },
            y: { distr: this.logarithmic ? 3 : 1 },
          },
          axes: [
            { stroke: ink, grid, ticks, font, values: (plot, marks) => marks.map((v) => AXES[this.group.axis].text(v)), space: 70, size: 34 },
            { stroke: ink, ...upright, font, values: (plot, marks) => marks.map((v) => (v === null ? "" : short(v))), size: 58 },
          ],
          hooks: {
            draw: [(plot) => this.marks(plot)],
            setCursor: [(plot) => this.moved(plot)],
            setSelect: [(plot) => this.selected(plot)],
          },
        },
        joined,
        this.box,
      );
      this.plot.over.addEventListener("dblclick", () => this.group.zoomTo(null));
      this.values.forEach(({ swatch }, i) => {
        swatch.style.background = lineColour(this.chart.lines[i]);
      });
      if (at !== undefined && at !== null) {
        this.follow(at);
      } else {
        this.say(null);
      }
    }

    recolour() {
      this.draw();
    }

    resize(width) {
      this.width = width;
      const wide = this.chart.wide ? width : width && width / 2 - 20;
      const size = wide || Math.max(200, this.box.clientWidth);
      if (this.plot && size !== this.plot.width) {
        this.plot.setSize({ width: size, height: this.plot.height });
      }
      this.width = wide;
    }

    // Phases and diagnoses as upright lines.
    marks(plot) {
      const { ctx, bbox } = plot;
      const ratio = uPlot.pxRatio;
      const [first] = this.group.curves.axes;
      ctx.save();
      ctx.font = `600 ${11 * ratio}px ${colour("text")}`;
      ctx.textBaseline = "top";
      const upright = (step, ink, dash, word, right) => {
        const x = Math.round(plot.valToPos(placed(first, this.group.axis, [step])[0], "x", true));
        if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) {
          return;
        }
        ctx.strokeStyle = ink;
        ctx.fillStyle = ink;
        ctx.lineWidth = ratio;
        ctx.setLineDash(dash.map((n) => n * ratio));
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.textAlign = right ? "left" : "center";
        ctx.fillText(word, right ? x + 4 * ratio : x, right ? bbox.top + 2 * ratio : bbox.top - 9 * ratio);
      };
      for (const phase of this.group.curves.phases) {
        upright(phase.step, colour("muted"), [2, 3], phase.name, true);
      }
      this.group.curves.alerts.forEach((alert, i) => upright(alert.step, colour("open"), [4, 3], String(i + 1), false));
      ctx.restore();
    }

    moved(plot) {
      if (this.following) {
        return;
      }
      const { left } = plot.cursor;
      const x = left === null || left === undefined || left < 0 ? null : plot.posToVal(left, "x");
      this.say(x);
      this.group.point(this, x);
    }

    follow(x) {
      this.following = true;
      const left = x === null ? -10 : this.plot.valToPos(x, "x");
      this.plot.setCursor({ left, top: 10 });
      this.following = false;
      this.say(x);
    }

    // The values where the cursor is.
    say(x) {
      this.at = x;
      this.chart.lines.forEach((line, i) => {
        const xs = this.xs(line);
        const at = x === null ? xs.length - 1 : nearest(xs, x);
        this.values[i].value.textContent = short(line.values[at]);
      });
      const axis = AXES[this.group.axis];
      this.readout.textContent = x === null ? "" : `${axis.one} ${axis.text(x)}`;
    }

    selected(plot) {
      const { left, width } = plot.select;
      if (width > 4) {
        this.group.zoomTo([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
      }
      if (width > 0) {
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }
    }

    key(event) {
      const [line] = this.shown();
      if (!line || event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      const [low, high] = this.group.ends();
      const xs = this.xs(line).filter((x) => x >= low && x <= high);
      const at = this.at === null || this.at === undefined ? xs.length - 1 : nearest(xs, this.at);
      const far = event.shiftKey ? 10 : 1;
      const moves = { ArrowLeft: at - far, ArrowRight: at + far, Home: 0, End: xs.length - 1 };
      if (event.key in moves && xs.length) {
        const x = xs[Math.max(0, Math.min(xs.length - 1, moves[event.key]))];
        this.readout.setAttribute("aria-live", "polite");
        this.follow(x);
        this.group.point(this, x);
        this.readout.textContent += `: ${this.shown().map((one) => `${one.name} ${short(one.values[nearest(this.xs(one), x)])}`).join(", ")}`;
      } else if (event.key === "+" || event.key === "=") {
        this.group.zoomAround(this.at ?? (low + high) / 2, 0.5);
      } else if (event.key === "-") {
        this.group.zoomAround(this.at ?? (low + high) / 2, 2);
      } else if (event.key === "0" || event.key === "Escape") {
        this.group.zoomTo(null);
      } else {
        return;
      }
      event.preventDefault();
    }

    // One finger chooses a part, two zoom, a double tap shows all: uPlot itself knows the mouse alone.
    touch() {
      const fingers = new Map();
      let start = null;
      let tapped = 0;
      const place = (event) => event.clientX - this.plot.over.getBoundingClientRect().left;
      this.box.addEventListener("pointerdown", (event) => {
        if (event.pointerType !== "touch") {
          return;
        }
        fingers.set(event.pointerId, place(event));
        start = fingers.size === 1 ? place(event) : null;
        if (fingers.size === 2) {
          this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }
      });
      this.box.addEventListener("pointermove", (event) => {
        if (!fingers.has(event.pointerId)) {
          return;
        }
        const before = [...fingers.values()];
        fingers.set(event.pointerId, place(event));
        if (fingers.size === 2) {
          const now = [...fingers.values()];
          const span = (pair) => Math.max(20, Math.abs(pair[0] - pair[1]));
          this.group.zoomAround(this.plot.posToVal((now[0] + now[1]) / 2, "x"), span(before) / span(now));
        } else if (start !== null) {
          const x = place(event);
          const height = this.plot.over.clientHeight;
          this.plot.setSelect({ left: Math.min(start, x), top: 0, width: Math.abs(x - start), height }, false);
          this.plot.setCursor({ left: x, top: 10 });
        }
      });
      const end = (event, chosen) => {
        if (!fingers.delete(event.pointerId) || start === null) {
          return;
        }
        const x = place(event);
        if (chosen && Math.abs(x - start) > 12) {
          this.group.zoomTo([Math.min(start, x), Math.max(start, x)].map((p) => this.plot.posToVal(p, "x")));
        } else if (chosen) {
          if (event.timeStamp - tapped < 350) {
            this.group.zoomTo(null);
          }
          tapped = event.timeStamp;
          this.plot.setCursor({ left: x, top: 10 });
        }
        this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        start = null;
      };
      this.box.addEventListener("pointerup", (event) => end(event, true));
      this.box.addEventListener("pointercancel", (event) => end(event, false));
    }
  }

  // -- layers' health -------------------------------------------------------------------------------------------------

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
      this.low = this.shares() ? 0 : Math.min(...values);
      this.high = this.shares() ? 1 : Math.max(...values);
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

  // -- confusion ------------------------------------------------------------------------------------------------------

  // Says what a cell means: by mouse, or by the arrow keys.
  function confusion(box) {
    const table = box.querySelector("table");
    const readout = box.querySelector(".readout");
    const rows = [...table.tBodies[0].rows];
    const labels = rows.map((row) => row.cells[0].textContent);
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
    opened = [...document.querySelectorAll("details:not([open])")];
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
})();
