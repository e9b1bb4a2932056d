// The 5A audience: stock, flow, health, forecast, segments.

const LAYERS = ["1", "2", "3", "4", "5"];
const layerRows = (span, layer) => dailyRows("audience_5a_daily", { users: "int", entered: "int", left_users: "int" }, span, {
  columns: [column("audience_5a_daily", "layer")], words: (key) => [term("layer", key)], keep: (key) => layer === undefined || key === layer,
});

charts.audience_funnel = () => {
  const span = { from: state.to, to: state.to };
  const bars = LAYERS.map((key) => ({ key, name: term("layer", key), value: fold.last(series("audience_5a_daily", "users", key), span), colour: layerColour(key) }));
  const total = bars.reduce((sum, bar) => sum + (bar.value ?? 0), 0);
  if (!total) return { why: why("audience_5a_daily", shop().status.audience_5a_daily === "ok" ? "range" : undefined) };
  return {
    ...beside({ bars, kind: "int", format: brief, labels: (bar) => `${shown("int", bar.value)}  ${shown("pct", (bar.value ?? 0) / total)}` }),
    asof: fill(W.page.chart.as_of, { day: dayAt(state.to) }),
    table: layerRows(span), drill: (point) => ({ title: point.name, table: layerRows({ from: Math.max(0, state.to - 30), to: state.to }, bars[bars.length - 1 - point.dataIndex].key) }),
  };
};

charts.audience_health = () => {
  const mart = "audience_health_daily";
  const at = (name) => series(mart, name)?.[state.to] ?? null;
  const measures = ["up_rate_1", "up_rate_2", "up_rate_3", "up_rate_4", "deep_share"];
  const bars = measures.map((name) => ({ name: term("indicator", name), was: at(name), line: at("benchmark_" + name) }))
    .filter((bar) => bar.was !== null && bar.line)
    .map((bar) => ({ ...bar, value: bar.was / bar.line, colour: bar.was / bar.line < 0.8 ? ink("c2") : ink("c1"), tip: [[W.charts.word.value, shown("pct", bar.was)], [W.charts.word.benchmark, shown("pct", bar.line)], [W.charts.word.ratio, shown("pct", bar.was / bar.line)]] }));
  if (!bars.length) return { why: why(mart, "health") };
  return {
    ...beside({ bars, kind: "pct", format: brief, line: 0.8 }), asof: fill(W.page.chart.as_of, { day: dayAt(state.to) }),
    table: {
      mart, columns: [{ label: W.charts.word.value, kind: "text" }, { label: W.charts.word.value, kind: "pct" }, { label: W.charts.word.benchmark, kind: "pct" }, { label: W.charts.word.ratio, kind: "pct" }],
      rows: bars.map((bar) => [bar.name, bar.was, bar.line, bar.value]),
    },
  };
};

charts.audience_stock = () => overTime({
  mart: "audience_5a_daily", format: brief, behind: (span) => layerRows(span), height: 280,
  parts: LAYERS.map((key) => ({ name: term("layer", key), kind: "int", stack: "layers", area: true, colour: layerColour(key), values: (span) => fold.last(series("audience_5a_daily", "users", key), span) })),
});

charts.audience_flow = (plot) => {
  const horizon = { days_1: "1", days_7: "7", days_30: "30" }[state.options.audience_flow?.horizon ?? "days_1"];
  const day = dayAt(state.to);
  const held = shop().flow[horizon];
  const cells = held?.[day];
  if (!cells) return { why: held && day < shop().last ? W.page.why.flow_days : why("audience_5a_flow") };
  const table = {
    mart: "audience_5a_flow",
    columns: [{ label: column("audience_5a_flow", "from_layer"), kind: "text" }, { label: column("audience_5a_flow", "to_layer"), kind: "text" }, { label: column("audience_5a_flow", "users"), kind: "int" }],
    rows: cells.map(([from, to, users]) => [term("layer", from), term("layer", to), users]),
  };
  const moved = cells.filter(([from, to]) => from !== to);
  if (!moved.length) return { table, tableOnly: true, asof: fill(W.page.chart.as_of, { day }) };
  const present = (side) => [...new Set(moved.map((cell) => cell[side]))].sort((a, b) => b - a);
  const nodes = [
    ...present(0).map((layer) => ({ name: "<" + layer, depth: 0, itemStyle: { color: layerColour(layer), borderWidth: 0 } })),
    ...present(1).map((layer) => ({ name: ">" + layer, depth: 1, itemStyle: { color: layerColour(layer), borderWidth: 0 } })),
  ];
  const label = (name) => term("layer", name.slice(1));
  const short = (name) => (narrow(plot) ? label(name).split(" ")[0] : label(name));
  return {
    table, height: 380, asof: fill(W.page.chart.as_of, { day }),
    option: frame({
      legend: { show: false },
      tooltip: { ...tipBox(), trigger: "item", formatter: (p) => (p.dataType === "edge" ? tip(`${label(p.data.source)} → ${label(p.data.target)}`, [[column("audience_5a_flow", "users"), shown("int", p.data.value)]]) : tip(label(p.name), [[column("audience_5a_flow", "users"), shown("int", p.value)]])) },
      series: [{
        type: "sankey", left: narrow(plot) ? 42 : 92, right: narrow(plot) ? 42 : 92, top: 8, bottom: 8, nodeWidth: 14, nodeGap: 10, draggable: false, layoutIterations: 0, data: nodes,
        links: moved.map(([from, to, users]) => ({ source: "<" + from, target: ">" + to, value: users, lineStyle: { color: to > from ? layerColour(to) : ink("c2"), opacity: to > from ? 0.65 : 0.35 } })),
        label: { color: ink("soft"), fontSize: 11.5, fontFamily: FONT, formatter: (p) => short(p.name), position: "right" },
        levels: [{ depth: 0, label: { position: "left" } }, { depth: 1, label: { position: "right" } }],
        lineStyle: { curveness: 0.5 }, emphasis: { focus: "adjacency" },
      }],
    }),
    drill: (point) => ({ title: W.charts.title.audience_flow, table: point.dataType === "edge" ? { ...table, rows: table.rows.filter((row) => row[0] === label(point.data.source) && row[1] === label(point.data.target)) } : table }),
  };
};

charts.audience_forecast = () => {
  const rows = records("forecast").filter((row) => row.expected_users !== null && row.layer > 0);
  if (!rows.length) return { why: why("audience_forecast") };
  const now = (layer) => series("audience_5a_daily", "users", String(layer))?.[shop().days - 1] ?? null;
  const parts = [[W.charts.word.now, now, ink("a2")], ...[7, 30].map((days) => [W.page.chart["days_" + days], (layer) => rows.find((row) => row.layer === layer && row.horizon_days === days)?.expected_users ?? null, days === 7 ? ink("a3") : ink("a5")])];
  const error = rows.filter((row) => row.backtest_error !== null);
  const told = [...new Map(error.map((row) => [row.horizon_days, row.backtest_error]))].map(([days, value]) => `${W.page.chart["days_" + days]} ±${shown("pct", value)}`);
  return {
    height: 260, asof: fill(W.page.chart.as_of, { day: shop().last }), side: told.length ? [el("p", {}, `${column("audience_forecast", "backtest_error")}: ${told.join(" · ")}`)] : null,
    table: listed("forecast", "audience_forecast", { horizon_days: "int", layer: inWords("layer"), expected_users: "int", backtest_error: "pct" }),
    option: frame({
      tooltip: axisTip(["int"]), xAxis: categoryAxis(LAYERS.map((layer) => term("layer", layer))), yAxis: valueAxis(brief),
      series: parts.map(([name, of, colour]) => ({ name, type: "bar", barMaxWidth: 18, itemStyle: { color: colour }, data: LAYERS.map((layer) => of(Number(layer))) })),
    }),
  };
};

charts.audience_segments = () => {
  const table = listed("segments", "audience_segments", { segment: { kind: "name", of: (id) => own(DATA.segments, id) ?? id }, users: "int", holdout_users: "int" });
  return table.rows.length ? { table, tableOnly: true, asof: fill(W.page.chart.as_of, { day: shop().last }) } : { why: why("audience_segments") };
};
