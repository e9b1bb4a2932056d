// The experience score of ten: three dimensions, ten indicators, its course.

const DIMENSIONS = { product: 3, logistics: 3, service: 4 };
const pointsOf = (name, at) => series("experience_score_daily", name)?.[at] ?? null;

charts.experience_gauge = (plot) => {
  const total = pointsOf("experience_10", state.to);
  const parts = Object.entries(DIMENSIONS).map(([code, full]) => ({ code, full, points: pointsOf(code + "_points", state.to) }));
  if (total === null && parts.every((part) => part.points === null)) return { why: why("experience_score_daily", "experience") };
  const ring = (value, full, radius, width, colour, centre, size, label) => ({
    type: "gauge", radius, center: centre, startAngle: 205, endAngle: -25, min: 0, max: full,
    progress: { show: value !== null, width, itemStyle: { color: colour } }, axisLine: { lineStyle: { width, color: [[1, ink("rule")]] } },
    axisTick: { show: false }, splitLine: { show: false }, axisLabel: { show: false }, pointer: { show: false }, anchor: { show: false },
    title: { show: true, offsetCenter: [0, size > 20 ? "42%" : "78%"], color: ink("muted"), fontSize: 12, fontFamily: FONT },
    detail: { valueAnimation: false, offsetCenter: [0, size > 20 ? "4%" : "14%"], fontSize: size, fontWeight: 650, color: ink("ink"), fontFamily: FONT, formatter: () => (value === null ? "—" : shown("points", value)) },
    data: [{ value: value ?? 0, name: label }],
  });
  const spots = narrow(plot) ? ["20%", "50%", "80%"] : ["22%", "50%", "78%"];
  return {
    height: 320, asof: fill(W.page.chart.window, { day: dayAt(state.to) }),
    side: total === null ? [el("p", {}, W.page.why.experience)] : null,
    table: dailyRows("experience_score_daily", { experience_10: "points", product_points: "points", logistics_points: "points", service_points: "points", official_score: "num" }, { from: Math.max(0, state.to - 30), to: state.to }),
    option: frame({
      legend: { show: false }, tooltip: { show: false },
      series: [
        ring(total, 10, "62%", 16, ink("c1"), ["50%", "38%"], 30, "/ 10"),
        ...parts.map((part, i) => ring(part.points, part.full, "26%", 8, ink("a4"), [spots[i], "82%"], 15, `${term("dimension", part.code)} / ${part.full}`)),
      ],
    }),
  };
};

charts.experience_indicators = () => {
  const rows = records("experience_indicators");
  const table = listed("experience_indicators", "experience_score_indicators", {
    indicator: inWords("indicator"), dimension: inWords("dimension"), numerator: "num", denominator: "num", value: "num", floor_anchor: "num", average_anchor: "num", excellent_anchor: "num",
    benchmark_source: inWords("anchors"), weight: "num", points: "points", contribution: "points", data_status: inWords("status"),
  });
  const colours = { product: ink("c1"), logistics: ink("c3"), service: ink("c4") };
  const order = Object.keys(DIMENSIONS);
  const bars = rows.filter((row) => row.fraction !== null).sort((a, b) => order.indexOf(a.dimension) - order.indexOf(b.dimension))
    .map((row) => ({ name: term("indicator", row.indicator), value: row.fraction, colour: colours[row.dimension], points: row.points, weight: row.weight, code: row.indicator }));
  if (!bars.length) return { why: why("experience_score_indicators", shop().status.experience_score_indicators === "ok" ? "experience" : undefined) };
  const lacking = rows.filter((row) => row.fraction === null).map((row) => `${term("indicator", row.indicator)} (${term("status", row.data_status)})`);
  return {
    ...beside({ bars, kind: "pct", format: brief, max: 1, line: 0.6, labels: (bar) => `${shown("points", bar.points)} / ${bar.weight}` }), asof: window30(), table,
    side: lacking.length ? [el("p", {}, lacking.join(LANG === "zh" ? "、" : ", "))] : null,
    drill: (point) => {
      const bar = bars[bars.length - 1 - point.dataIndex];
      return { title: bar.name, table: dailyRows("experience_score_indicators", { value: "num", points: "points" }, whole(), { columns: [column("experience_score_indicators", "indicator")], words: (key) => [term("indicator", key)], keep: (key) => key === bar.code }) };
    },
  };
};

charts.experience_trend = () => overTime({
  mart: "experience_score_daily", format: brief, hint: "experience",
  behind: (span) => dailyRows("complaint_rates_daily", { signed_orders: "int", quality_return_rate: "pct", bad_review_rate: "pct", complaint_rate: "pct", ccr: "num", nps: "num", nps_proxy_stars: "num" }, span),
  parts: ["experience_10", "product_points", "logistics_points", "service_points"].map((name, i) => ({
    name: column("experience_score_daily", name), kind: "points", dashed: i > 0, colour: [ink("c1"), ink("c2"), ink("c3"), ink("c4")][i], values: (span) => fold.last(series("experience_score_daily", name), span),
  })),
});
