// How charts look: colours from the style sheet, axes, tips built of nodes, and the few shapes that many charts share.

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const palette = () => ["c1", "c2", "c3", "c4", "c5", "c6", "c7"].map(ink);
const layerColour = (layer) => (layer < 0 ? ink("c7") : ink("a" + layer));
const FONT = getComputedStyle(document.body).fontFamily;
const narrow = (plot) => plot.clientWidth < 480;

function tip(title, lines) {
  const box = el("div", { class: "tip" }, el("b", {}, el("bdi", {}, title)));
  for (const [label, value] of lines) box.append(el("span", {}, el("bdi", {}, label), el("i", {}, value)));
  return box;
}

const tipBox = () => ({
  backgroundColor: ink("raised"), borderColor: ink("rule"), borderWidth: 1, padding: [8, 12], confine: true,
  textStyle: { color: ink("ink"), fontSize: 12 }, extraCssText: "box-shadow: 0 2px 10px rgb(0 0 0 / .12); border-radius: 3px;",
});
const labelStyle = () => ({ color: ink("muted"), fontSize: 11.5, fontFamily: FONT });
const categoryAxis = (data, more = {}) => ({
  type: "category", data, axisTick: { show: false }, axisLine: { lineStyle: { color: ink("rule") } },
  axisLabel: { ...labelStyle(), hideOverlap: true }, ...more,
});
// Days of one year need not repeat it: the caption has them whole.
const timeAxis = (labels, more = {}) => {
  const oneYear = state.grain !== "month" && labels[0].slice(0, 4) === labels[labels.length - 1].slice(0, 4);
  return categoryAxis(labels, { ...more, axisLabel: { ...labelStyle(), hideOverlap: true, formatter: (label) => (oneYear ? label.slice(5) : label) } });
};
const valueAxis = (format, more = {}) => ({
  type: "value", axisLabel: { ...labelStyle(), formatter: format, hideOverlap: true }, splitLine: { lineStyle: { color: ink("rule") } },
  axisLine: { show: false }, axisTick: { show: false }, splitNumber: 4, ...more,
});
// A grid holds its labels on every side, also the first date, which begins left of the first point.
const HELD = { outerBoundsMode: "same", outerBoundsContain: "axisLabel" };
const frame = (more = {}) => ({
  animation: false, textStyle: { fontFamily: FONT, color: ink("ink") }, color: palette(), aria: { enabled: false },
  grid: { left: 4, right: 12, top: 34, bottom: 4, ...HELD }, tooltip: { ...tipBox(), trigger: "axis" },
  legend: {
    top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 8, itemGap: 16, type: "scroll",
    textStyle: { ...labelStyle(), color: ink("soft") }, pageTextStyle: labelStyle(), pageIconColor: ink("soft"),
  },
  ...more,
});
// On a narrow page a legend breaks its lines instead of hiding its end behind arrows; the chart grows by as much.
const pen = document.createElement("canvas").getContext("2d");
function withWholeLegend(made, plot) {
  const { legend, grid, series } = made.option;
  if (!narrow(plot) || !legend || legend.show === false || !grid) return made;
  pen.font = `${legend.textStyle.fontSize}px ${FONT}`;
  let lines = 1;
  let used = 0;
  for (const name of new Set(series.map((one) => one.name))) {
    const width = legend.itemWidth + 5 + pen.measureText(name).width;
    if (used && used + width > plot.clientWidth) { lines += 1; used = 0; }
    used += width + legend.itemGap;
  }
  const more = 22 * (lines - 1);
  return {
    ...made, height: (made.height ?? 260) + more,
    option: { ...made.option, legend: { ...legend, type: "plain", itemGap: legend.itemGap - 1 }, grid: { ...grid, top: grid.top + more } },
  };
}
// Words in lines of a few letters, where a label has little room beside it.
const folded = (text) => text.split(" ").reduce((lines, word) => {
  const last = lines[lines.length - 1];
  return last !== undefined && last.length + word.length < 12 ? [...lines.slice(0, -1), `${last} ${word}`] : [...lines, word];
}, []).join("\n");
const axisTip = (kinds) => ({
  ...tipBox(), trigger: "axis", axisPointer: { type: "line", lineStyle: { color: ink("muted") } },
  formatter: (points) => tip(points[0].axisValueLabel ?? points[0].name, points.map((p) => [
    p.seriesName, shown(kinds[p.seriesIndex] ?? kinds[0], Array.isArray(p.value) ? p.value[1] : p.value),
  ])),
});

// Lines or bars over periods. `parts`: [{name, kind, values: span => number, type, stack, colour, area, dashed}].
function overTime({ mart, parts, format, hint, behind, min, height = 260 }) {
  const spans = periods();
  const table = {
    mart,
    columns: [{ label: W.page.chart.period, kind: "day" }, ...parts.map((p) => ({ label: p.name, kind: p.kind }))],
    rows: spans.map((span) => [span.label, ...parts.map((p) => p.values(span))]),
  };
  if (!table.rows.some((row) => row.slice(1).some((value) => value !== null))) {
    return { why: spans.length ? why(mart, hint) : W.page.why.grain };
  }
  const colours = palette();
  return {
    table, height,
    asof: spans.length > 1 ? fill(W.page.chart.range, { from: spans[0].label, to: spans[spans.length - 1].label }) : spans[0].label,
    option: frame({
      tooltip: axisTip(parts.map((p) => p.kind)),
      grid: { ...frame().grid, right: 16 },
      xAxis: timeAxis(spans.map((span) => span.label), { boundaryGap: parts.some((p) => p.type === "bar") }),
      yAxis: valueAxis(format, min === undefined ? {} : { min, scale: true }),
      series: parts.map((p, i) => ({
        name: p.name, type: p.type ?? "line", stack: p.stack, data: table.rows.map((row) => row[i + 1]),
        itemStyle: { color: p.colour ?? colours[i] },
        lineStyle: { width: p.area ? 0.5 : 1.8, type: p.dashed ? "dashed" : "solid", color: p.colour ?? colours[i] },
        areaStyle: p.area ? { opacity: 0.92, color: p.colour ?? colours[i] } : undefined,
        symbol: spans.length === 1 ? "circle" : "none", symbolSize: 7, barMaxWidth: 22, connectNulls: false,
      })),
    }),
    drill: behind && ((point) => ({ title: table.rows[point.dataIndex][0], table: behind(spans[point.dataIndex]) })),
  };
}

// Horizontal bars with the value written beside. `bars`: [{name, value, colour, mark, tip}]; `mark` is a dot for comparison.
function beside({ bars, kind, format, max, line, marks, height, labels }) {
  const drawn = [...bars].reverse();
  const text = (bar) => (labels ? labels(bar) : shown(kind, bar.value));
  return {
    height: height ?? 42 + bars.length * 32 + (marks ? 24 : 0),
    option: frame({
      grid: { left: 4, right: 4, top: marks ? 30 : 8, bottom: 4, ...HELD },
      legend: marks ? { ...frame().legend, data: [W.charts.word.ours, { name: marks, icon: "circle" }] } : { show: false },
      tooltip: { ...tipBox(), trigger: "item", formatter: (p) => tip(drawn[p.dataIndex].name, drawn[p.dataIndex].tip ?? [[p.seriesName, text(drawn[p.dataIndex])]]) },
      xAxis: valueAxis(format, { max, splitLine: { show: false }, axisLabel: { show: false } }),
      yAxis: [
        categoryAxis(drawn.map((bar) => bar.name), { axisLine: { show: false }, axisLabel: { ...labelStyle(), color: ink("soft"), fontSize: 12, width: 152, overflow: "truncate", hideOverlap: false, interval: 0 } }),
        categoryAxis(drawn.map(text), { position: "right", axisLine: { show: false }, axisLabel: { ...labelStyle(), color: ink("ink"), fontSize: 12, hideOverlap: false, interval: 0 } }),
      ],
      series: [
        {
          name: marks ? W.charts.word.ours : W.charts.word.value, type: "bar", barMaxWidth: 16,
          data: drawn.map((bar) => ({ value: bar.value, itemStyle: { color: bar.colour ?? ink("c1") } })),
          itemStyle: { color: ink("c1") },
          markLine: line === undefined ? undefined : {
            silent: true, symbol: "none", label: { show: false }, lineStyle: { color: ink("muted"), type: "dashed" }, data: [{ xAxis: line }],
          },
        },
        ...(marks ? [{
          name: marks, type: "scatter", symbol: "circle", symbolSize: 9, z: 5, data: drawn.map((bar) => bar.mark ?? null),
          itemStyle: { color: ink("raised"), borderColor: ink("ink"), borderWidth: 1.8 },
        }] : []),
      ],
    }),
  };
}

const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
// The colour at a place from 0 to 1 along evenly spaced ones.
const between = (colours, place) => {
  const at = Math.min(place * (colours.length - 1), colours.length - 1 - 1e-9);
  const [from, to] = [channels(colours[Math.floor(at)]), channels(colours[Math.floor(at) + 1])];
  return from.map((channel, i) => channel + (to[i] - channel) * (at % 1));
};
// Black or white, whichever stands out more: one of them always does by 4.5 to 1.
const readableOn = (rgb) => {
  const [r, g, b] = rgb.map((channel) => channel / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
};

// A grid of cells shaded by value, the value written in each.
function shaded({ across, down, cells, kind, format, height }) {
  const values = cells.map((cell) => cell[2]).filter((value) => value !== null);
  const most = Math.max(...values, 0);
  const shades = [ink("hover"), ink("a2"), ink("a4")];
  return {
    height: height ?? 46 + down.length * 44,
    option: frame({
      legend: { show: false },
      grid: { left: 4, right: 4, top: 26, bottom: 4, ...HELD },
      tooltip: { ...tipBox(), trigger: "item", formatter: (p) => tip(`${down[p.value[1]]} · ${across[p.value[0]]}`, [[W.charts.word.value, shown(kind, p.value[2])]]) },
      xAxis: categoryAxis(across, { position: "top", axisLine: { show: false }, splitArea: { show: false } }),
      yAxis: categoryAxis(down, { inverse: true, axisLine: { show: false } }),
      visualMap: { show: false, min: 0, max: most || 1, inRange: { color: shades } },
      series: [{
        type: "heatmap", itemStyle: { borderColor: ink("paper"), borderWidth: 2 },
        data: cells.map((cell) => ({ value: cell, label: { color: readableOn(between(shades, (cell[2] ?? 0) / (most || 1))) } })),
        label: { show: true, fontSize: 11, fontFamily: FONT, formatter: (p) => format(p.value[2]) },
      }],
    }),
  };
}

const charts = {};
