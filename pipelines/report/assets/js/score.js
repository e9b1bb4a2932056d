// The operating score: eight indicators, the split of its change, its course. Its grains are the mart's own, never averaged.

const scores = () => shop().score[state.grain];
function newestPeriod() {
  const held = scores();
  if (!held) return -1;
  for (let i = held.end.length - 1; i >= 0; i -= 1) if (held.end[i] <= dayAt(state.to)) return i;
  return -1;
}
const noScore = () => (scores() ? why("operating_score", "score_cold") : shop().score.day ? W.page.why.grain : why("operating_score"));

function indicatorRows(i) {
  const held = scores();
  const newest = i === held.start.length - 1 ? held.anchors : null;
  if (newest) {
    const kinds = { indicator: "text", numerator: "num", denominator: "num", value: "num", floor_anchor: "num", average_anchor: "num", excellent_anchor: "num", benchmark_source: "text", weight: "num", points: "points", contribution: "points", data_status: "text" };
    const chosen = newest.columns.filter((name) => kinds[name]);
    const families = { indicator: "indicator", benchmark_source: "anchors", data_status: "status" };
    return {
      mart: "operating_score_indicators",
      columns: chosen.map((name) => ({ label: column("operating_score_indicators", name), kind: kinds[name] })),
      rows: newest.rows.map((row) => chosen.map((name) => {
        const value = row[newest.columns.indexOf(name)];
        return families[name] && value !== null ? term(families[name], value) : value;
      })),
    };
  }
  const names = ["value", "points", "contribution"];
  return {
    mart: "operating_score_indicators",
    columns: [{ label: column("operating_score_indicators", "indicator"), kind: "text" }, ...names.map((name) => ({ label: column("operating_score_indicators", name), kind: name === "value" ? "num" : "points" }))],
    rows: Object.entries(held.indicators).map(([code, of]) => [term("indicator", code), ...names.map((name) => of[name]?.[i] ?? null)]),
  };
}

// Points over weight: what each indicator earned of what it could.
const weights = () => { const { columns, rows } = scores().anchors; return Object.fromEntries(rows.map((row) => [row[columns.indexOf("indicator")], row[columns.indexOf("weight")]])); };
const earned = (code, i) => { const points = scores().indicators[code].points?.[i] ?? null; return points === null || !weights()[code] ? null : points / weights()[code]; };
const INDICATORS = ["total_impressions", "content_count", "live_dwell_seconds", "live_interaction_rate", "product_click_rate", "click_purchase_rate", "price_per_unit", "repurchase_rate_90d"];

charts.score_radar = (plot) => {
  const i = newestPeriod();
  const held = scores();
  const codes = held ? INDICATORS.filter((code) => held.indicators[code]) : [];
  const values = codes.map((code) => earned(code, i));
  if (i < 0 || !values.some((value) => value !== null)) return { why: noScore() };
  const lacking = codes.filter((code, k) => values[k] === null).map((code) => term("indicator", code));
  return {
    table: indicatorRows(i), asof: held.start[i], height: 320,
    side: lacking.length ? [el("p", {}, `${term("status", "insufficient")} / ${term("status", "missing_source")}: ${lacking.join(LANG === "zh" ? "、" : ", ")}`)] : null,
    option: frame({
      legend: { show: false }, tooltip: { ...tipBox(), trigger: "item", formatter: () => tip(held.start[i], codes.map((code, k) => [term("indicator", code), shown("pct", values[k])])) },
      radar: {
        indicator: codes.map((code, k) => ({ name: (narrow(plot) ? folded : String)(term("indicator", code)) + (values[k] === null ? " —" : ""), max: 1 })), radius: narrow(plot) ? "50%" : "66%", splitNumber: 5,
        axisName: { color: ink("soft"), fontSize: 11.5, fontFamily: FONT }, splitArea: { show: false },
        splitLine: { lineStyle: { color: ink("rule") } }, axisLine: { lineStyle: { color: ink("rule") } },
      },
      series: [{
        type: "radar", symbolSize: 5, lineStyle: { width: 2, color: ink("c1") }, itemStyle: { color: ink("c1") }, areaStyle: { color: ink("c1"), opacity: 0.14 },
        data: [{ value: values.map((value) => value ?? 0), name: held.start[i] }],
      }],
    }),
    drill: () => ({ title: held.start[i], table: indicatorRows(i) }),
  };
};

charts.score_split = () => {
  const i = newestPeriod();
  const held = scores();
  const bars = held && i >= 0 ? INDICATORS.filter((code) => (held.indicators[code]?.contribution?.[i] ?? null) !== null).map((code) => {
    const value = held.indicators[code].contribution[i];
    return { name: term("indicator", code), value, colour: value < 0 ? ink("down") : ink("up") };
  }) : [];
  if (!bars.length) return { why: noScore() };
  bars.sort((a, b) => b.value - a.value);
  return {
    ...beside({ bars, kind: "points", labels: (bar) => (bar.value > 0 ? "+" : "") + shown("points", bar.value), format: brief }),
    asof: held.start[i],
    side: [el("p", {}, `${W.charts.word.change}: ${held.score_change[i] > 0 ? "+" : ""}${shown("points", held.score_change[i])}`)],
    table: indicatorRows(i), drill: () => ({ title: held.start[i], table: indicatorRows(i) }),
  };
};

charts.score_trend = () => {
  const held = scores();
  const first = dayAt(state.from);
  const last = dayAt(state.to);
  const at = held ? held.start.map((_, i) => i).filter((i) => held.end[i] >= first && held.start[i] <= last) : [];
  const names = { score_100: W.charts.word.score, breadth_points: W.charts.word.breadth, depth_points: W.charts.word.depth };
  const lines = Object.keys(names).filter((name) => at.some((i) => held[name][i] !== null));
  if (!lines.length) return { why: noScore() };
  const colours = { score_100: ink("c1"), breadth_points: ink("a2"), depth_points: ink("c2") };
  return {
    height: 260, asof: at.length > 1 ? fill(W.page.chart.range, { from: held.start[at[0]], to: held.end[at[at.length - 1]] }) : held.start[at[0]],
    table: {
      mart: "operating_score", columns: [{ label: W.page.chart.period, kind: "day" }, ...lines.map((name) => ({ label: names[name], kind: "points" }))],
      rows: at.map((i) => [held.start[i], ...lines.map((name) => held[name][i])]),
    },
    option: frame({
      tooltip: axisTip(["points"]), xAxis: timeAxis(at.map((i) => held.start[i])), yAxis: valueAxis(brief, { max: 100, min: 0, interval: 25 }),
      series: lines.map((name) => ({
        name: names[name], type: "line", data: at.map((i) => held[name][i]), symbol: at.length < 32 ? "circle" : "none", symbolSize: 5,
        lineStyle: { width: name === "score_100" ? 2.2 : 1.4, color: colours[name], type: name === "score_100" ? "solid" : "dashed" }, itemStyle: { color: colours[name] },
      })),
    }),
    drill: (point) => ({ title: held.start[at[point.dataIndex]], table: indicatorRows(at[point.dataIndex]) }),
  };
};
