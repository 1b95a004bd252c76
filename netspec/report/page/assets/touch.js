// Fingers on a curve: uPlot itself knows the mouse alone.
"use strict";

// One chooses a part, two zoom, a double tap shows all.
function touchable(chart) {
  const fingers = new Map();
  let start = null;
  let tapped = 0;
  const place = (event) => event.clientX - chart.plot.over.getBoundingClientRect().left;
  chart.box.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") {
      return;
    }
    fingers.set(event.pointerId, place(event));
    start = fingers.size === 1 ? place(event) : null;
    if (fingers.size === 2) {
      chart.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    }
  });
  chart.box.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) {
      return;
    }
    const before = [...fingers.values()];
    fingers.set(event.pointerId, place(event));
    if (fingers.size === 2) {
      const now = [...fingers.values()];
      const span = (pair) => Math.max(20, Math.abs(pair[0] - pair[1]));
      chart.group.zoomAround(chart.plot.posToVal((now[0] + now[1]) / 2, "x"), span(before) / span(now));
    } else if (start !== null) {
      const x = place(event);
      const height = chart.plot.over.clientHeight;
      chart.plot.setSelect({ left: Math.min(start, x), top: 0, width: Math.abs(x - start), height }, false);
      chart.plot.setCursor({ left: x, top: 10 });
    }
  });
  const end = (event, chosen) => {
    if (!fingers.delete(event.pointerId) || start === null) {
      return;
    }
    const x = place(event);
    if (chosen && Math.abs(x - start) > 12) {
      chart.group.zoomTo([Math.min(start, x), Math.max(start, x)].map((p) => chart.plot.posToVal(p, "x")));
    } else if (chosen) {
      if (event.timeStamp - tapped < 350) {
        chart.group.zoomTo(null);
      }
      tapped = event.timeStamp;
      chart.plot.setCursor({ left: x, top: 10 });
    }
    chart.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    start = null;
  };
  chart.box.addEventListener("pointerup", (event) => end(event, true));
  chart.box.addEventListener("pointercancel", (event) => end(event, false));
}
