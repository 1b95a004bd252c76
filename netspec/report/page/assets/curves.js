// Curves: uPlot draws them; axis, smoothing, zoom and cursor are shared by all charts of a run.
"use strict";

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

// How far apart the marks of an axis may be: whole numbers, since between two steps there is none, and as far as a
// diverged loss needs.
const ROUND = Array.from({ length: 308 }, (_, power) => [1, 2, 5].map((v) => Number(`${v}e${power}`))).flat();
const HUGE = 1e14; // uPlot's own end about here

// Marks of a logarithmic axis: of many powers of ten every second, third and so on, so that none lies over another.
function powersBetween(low, high, most) {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  const apart = Math.max(1, Math.ceil((last - first) / Math.max(1, most)));
  const marks = [];
  for (let power = Math.ceil(first / apart) * apart; power <= last; power += apart) {
    marks.push(...(last - first > 2 ? [1] : [1, 2, 3, 4, 5, 6, 7, 8, 9]).map((v) => Number(`${v}e${power}`)));
  }
  return marks.filter((v) => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9));
}

// The ends of a logarithmic axis: powers of ten around what is positive. The rest is drawn below it, out of sight.
const BELOW = 1e-300;

function powersAround(plot) {
  const [first, last] = plot.series[0].idxs;
  let low = Infinity;
  let high = 0;
  for (const column of plot.data.slice(1)) {
    for (let i = first; i <= last; i += 1) {
      if (column[i] > BELOW) {
        low = Math.min(low, column[i]);
        high = Math.max(high, column[i]);
      }
    }
  }
  return high ? uPlot.rangeLog(low, high, 10, false) : [1, 10];
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
    touchable(this);
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
    const fit = (values, given = values) => (this.logarithmic ? values.map((v, i) => (given[i] > 0 ? v : BELOW)) : values);
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
        // Where the loss is 0, what is left of losses long gone is nothing to be read off.
        tables.push([this.xs(line, steps), fit(smoothed(values, weight), values)]);
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
    if (this.logarithmic) {
      upright.splits = (plot, axis, low, high) => powersBetween(low, high, plot.bbox.height / uPlot.pxRatio / 22);
      upright.filter = (plot, marks) => {
        const powers = filter(plot, marks);
        const round = powers.map((v) => (v === null || [1, 2, 5].includes(Number(v.toExponential(0)[0])) ? v : null));
        return round.filter((v) => v !== null).length > 1 ? round : powers;
      };
    }
    if (this.logarithmic || this.shown().some((line) => line.values.some((v) => Math.abs(v) > HUGE))) {
      upright.incrs = ROUND;
    }
    const incrs = AXES[this.group.axis].whole ? ROUND : undefined;
    const font = `12px ${colour("text")}`;
    this.plot = new uPlot(
      {
        width: this.width || Math.max(200, this.box.clientWidth),
        height: this.height(),
        padding: [10, 28, 0, 0],
        legend: { show: false },
        series,
        bands,
        cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
        scales: {
          x: { time: false, range: () => this.group.ends() },
          y: this.logarithmic ? { distr: 3, range: powersAround } : {},
        },
        axes: [
          { stroke: ink, grid, ticks, font, incrs, values: (plot, marks) => marks.map((v) => AXES[this.group.axis].text(v)), space: 70, size: 34 },
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

  // On paper, charts are as wide as they are told to be, and lower.
  height() {
    return (this.chart.wide ? 340 : 230) * (this.width ? 0.75 : 1);
  }

  recolour() {
    this.draw();
  }

  resize(width) {
    const wide = this.chart.wide ? width : width && width / 2 - 20;
    const size = wide || Math.max(200, this.box.clientWidth);
    this.width = wide;
    if (this.plot && size !== this.plot.width) {
      this.plot.setSize({ width: size, height: this.height() });
    }
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
}
