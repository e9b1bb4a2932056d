// How sales came about: paths and sources, synergy, fields, authors, contents, campaigns.

const share = (value, total) => (value === null || !total ? null : value / total);
const rangeText = () => fill(W.page.chart.range, { from: dayAt(state.from), to: dayAt(state.to) });

charts.path_mix = () => {
  const mart = "purchase_path_daily";
  const found = new Map();
  for (const key of keys(mart)) {
    const [path, scene] = key.split("|");
    const paid = fold.sum(series(mart, "paid_amount", key), whole());
    if (paid) found.set(path, [...(found.get(path) ?? []), [scene, paid]]);
  }
  const paths = Object.keys(W.terms.path).filter((path) => found.has(path));
  const scenes = Object.keys(W.terms.scene);
  const total = [...found.values()].flat().reduce((sum, [, paid]) => sum + paid, 0);
  if (!total) return { why: why(mart) };
  const paidBy = (path, scene) => found.get(path)?.filter((part) => part[0] === scene).reduce((sum, part) => sum + part[1], 0) || null;
  const used = scenes.filter((scene) => paths.some((path) => paidBy(path, scene)));
  return {
    height: 60 + paths.length * 46, asof: rangeText(),
    table: {
      mart, columns: [{ label: column(mart, "path_class"), kind: "text" }, { label: column(mart, "scene"), kind: "text" }, { label: column(mart, "paid_amount"), kind: "money" }, { label: column(mart, "amount_share"), kind: "pct" }],
      rows: paths.flatMap((path) => used.filter((scene) => paidBy(path, scene)).map((scene) => [term("path", path), term("scene", scene), paidBy(path, scene), paidBy(path, scene) / total])),
    },
    option: frame({
      grid: { left: 4, right: 56, top: 34, bottom: 4, ...HELD },
      tooltip: { ...tipBox(), trigger: "item", formatter: (p) => tip(`${p.name} · ${p.seriesName}`, [[column(mart, "paid_amount"), shown("money", p.value)], [column(mart, "amount_share"), shown("pct", p.value / total)]]) },
      xAxis: valueAxis(brief, { splitLine: { show: false }, axisLabel: { show: false } }),
      yAxis: categoryAxis(paths.map((path) => term("path", path)), { inverse: true, axisLine: { show: false }, axisLabel: { ...labelStyle(), color: ink("soft"), fontSize: 12 } }),
      series: used.map((scene, s) => ({
        name: term("scene", scene), type: "bar", stack: "paid", barMaxWidth: 20, itemStyle: { color: palette()[scenes.indexOf(scene) === 4 ? 6 : scenes.indexOf(scene)] },
        data: paths.map((path) => paidBy(path, scene)),
        label: s === used.length - 1 ? { show: false } : undefined,
      })).concat([{
        name: "", type: "bar", stack: "paid", silent: true, itemStyle: { color: "transparent" }, tooltip: { show: false }, data: paths.map(() => 0),
        label: { show: true, position: "right", color: ink("ink"), fontSize: 12, fontFamily: FONT, formatter: (p) => shown("pct", found.get(paths[p.dataIndex]).reduce((sum, part) => sum + part[1], 0) / total) },
      }]),
    }),
    drill: (point) => ({ title: point.name, table: dailyRows(mart, { paid_amount: "money", marketing_amount: "money", orders: "int" }, whole(), {
      columns: [column(mart, "path_class"), column(mart, "scene")], words: (key) => [term("path", key.split("|")[0]), term("scene", key.split("|")[1])], keep: (key) => term("path", key.split("|")[0]) === point.name,
    }) }),
  };
};

// Bars of shares over the days chosen, the paper's share as a dot.
function shares(mart, name, family, listing, code) {
  const paper = Object.fromEntries(records(listing).map((row) => [row[code], row.paper_share]));
  const sums = Object.keys(W.terms[family]).filter((key) => keys(mart).includes(key)).map((key) => [key, fold.sum(series(mart, name, key), whole())]);
  const total = sums.reduce((sum, [, value]) => sum + (value ?? 0), 0);
  if (!total) return { why: why(mart) };
  const bars = sums.map(([key, value]) => ({ key, name: term(family, key), value: share(value ?? 0, total), was: value, mark: paper[key] ?? null, tip: [[column(mart, name), shown(name === "views" ? "int" : "money", value)], [W.charts.word.ours, shown("pct", share(value ?? 0, total))], [W.charts.word.paper, shown("pct", paper[key])]] }));
  const kind = name === "views" ? "int" : "money";
  return {
    ...beside({ bars, kind: "pct", format: brief, marks: W.charts.word.paper }), asof: rangeText(),
    table: {
      mart, columns: [{ label: column(mart, code), kind: "text" }, { label: column(mart, name), kind }, { label: W.charts.word.ours, kind: "pct" }, { label: W.charts.word.paper, kind: "pct" }],
      rows: bars.map((bar) => [bar.name, bar.was, bar.value, bar.mark]),
    },
    drill: (point) => {
      const bar = bars[bars.length - 1 - point.dataIndex];
      return { title: bar.name, table: dailyRows(mart, { [name]: kind }, whole(), { columns: [column(mart, code)], words: (key) => [term(family, key)], keep: (key) => key === bar.key }) };
    },
  };
}
charts.traffic_sources = () => shares("traffic_source_daily", "views", "source", "sources", "traffic_source");
charts.field_mix = () => shares("field_matrix_daily", "paid_amount", "field", "fields", "field_class");

charts.field_trend = () => overTime({
  mart: "field_matrix_daily", format: brief,
  behind: (span) => dailyRows("field_matrix_daily", { paid_amount: "money", campaign_amount: "money" }, span, { columns: [column("field_matrix_daily", "field_class")], words: (key) => [term("field", key)], keep: () => true }),
  parts: Object.keys(W.terms.field).filter((key) => keys("field_matrix_daily").includes(key)).map((key, i) => ({ name: term("field", key), kind: "money", type: "bar", stack: "fields", colour: palette()[[3, 1, 0, 2, 6][i]], values: (span) => fold.sum(series("field_matrix_daily", "paid_amount", key), span) })),
});

charts.synergy_lift = () => {
  const mart = "synergy_daily";
  const at = (name) => series(mart, name)?.[state.to] ?? null;
  if (at("lift") === null) return { why: why(mart, "synergy") };
  const rows = [["p0", "neither", "c7"], ["p_e", "own", "c5"], ["p_m", "marketing", "c6"], ["expected", "expected_rate", "a1"], ["p_em", "both", "c1"]];
  const bars = rows.map(([name, word, colour]) => ({ name: W.charts.word[word], value: at(name), colour: ink(colour) }));
  return {
    ...beside({ bars, kind: "pct", format: brief }), asof: fill(W.page.chart.window, { day: dayAt(state.to) }),
    side: [el("p", {}, fill(W.charts.word.lift, { lift: at("lift").toFixed(2), low: at("lower_95")?.toFixed(2) ?? "—", high: at("upper_95")?.toFixed(2) ?? "—", verdict: term("verdict", at("verdict")) }))],
    table: dailyRows(mart, { lift: "num", lower_95: "num", upper_95: "num", p0: "pct", p_e: "pct", p_m: "pct", p_em: "pct", expected: "pct" }, whole()),
  };
};

charts.synergy_matrix = () => {
  const rows = records("synergy_matrix");
  const down = ["live", "short_video", "mall"];
  const across = ["author", "campaign", "ad"];
  const cells = rows.filter((row) => row.share !== null).map((row) => [across.indexOf(row.marketing_function), down.indexOf(row.operating_function), row.share]);
  if (!cells.length) return { why: why("synergy_matrix_daily") };
  return {
    ...shaded({ across: across.map((code) => term("function", code)), down: down.map((code) => term("function", code)), cells, kind: "pct", format: (value) => shown("pct", value), height: 230 }),
    asof: window30(), table: listed("synergy_matrix", "synergy_matrix_daily", { operating_function: inWords("function"), marketing_function: inWords("function"), paid_amount: "money", share: "pct" }),
  };
};

const ranked = (listing, mart, kinds, kind, id, word) => {
  const table = listed(listing, mart, kinds);
  const rows = records(listing).filter((row) => row.paid_amount > 0).slice(0, 12);
  if (!table.rows.length) return { why: why(mart) };
  if (!rows.length) return { table, tableOnly: true };
  const bars = rows.map((row) => ({ name: isolated(named(kind, row[id])), value: row.paid_amount, id: row[id], tip: [[column(mart, "paid_amount"), shown("money", row.paid_amount)], ...(row.tier ? [[column(mart, "tier"), term("tier", row.tier)]] : []), ...(row.gpm !== null ? [[column(mart, "gpm"), shown("num", row.gpm)]] : []), ...(row.growth !== undefined ? [[column(mart, "growth"), shown("points", row.growth)]] : [])] }));
  return {
    ...beside({ bars, kind: "money", format: brief, labels: (bar) => "¥" + brief(bar.value) }), table,
    drill: (point) => { const bar = bars[bars.length - 1 - point.dataIndex]; return { title: named(kind, bar.id), table: { ...table, rows: table.rows.filter((_, i) => records(listing)[i][id] === bar.id) } }; },
    word,
  };
};
charts.authors = () => ({
  ...ranked("authors", "author_performance_daily", {
    author_id: byName("author"), tier: inWords("tier"), paid_amount: "money", net_amount: "money", views: "int", gpm: "num", growth: "points", audience_match: "pct", is_vertical: "flag", is_long_term: "flag", followers: "int",
  }, "author", "author_id"), asof: window30(),
});
charts.contents = () => ({
  ...ranked("contents", "content_performance", {
    content_id: byName("content"), author_id: byName("author"), content_type: inWords("content_type"), declared_role: inWords("role"), observed_role: inWords("role"), views: "int", a3_flow_users: "int", a3_flow_rate: "pct", paid_amount: "money", gpm: "num",
  }, "content", "content_id"), asof: fill(W.page.chart.as_of, { day: shop().last }),
});

charts.content_mix = () => {
  const rows = records("content_mix").filter((row) => row.views_share !== null);
  if (!rows.length) return { why: why("content_mix_daily") };
  const table = listed("content_mix", "content_mix_daily", { role_basis: inWords("basis"), role: inWords("role"), contents: "int", views_share: "pct", spend_share: "pct" });
  const bases = ["declared", "observed"].filter((basis) => rows.some((row) => row.role_basis === basis));
  const measures = ["views_share", "spend_share"].filter((name) => rows.some((row) => row[name] !== null && row[name] !== undefined));
  const lines = bases.flatMap((basis) => measures.map((name) => [basis, name]));
  const roles = Object.keys(W.terms.role).filter((role) => rows.some((row) => row.role === role));
  const colours = { seeding: ink("c3"), selling: ink("c2"), both: ink("c1"), weak: ink("c6"), unknown: ink("c7") };
  return {
    height: 56 + lines.length * 36, asof: window30(), table,
    option: frame({
      tooltip: { ...tipBox(), trigger: "item", formatter: (p) => tip(`${p.name} · ${p.seriesName}`, [[W.charts.word.value, shown("pct", p.value)]]) },
      xAxis: valueAxis(brief, { max: 1, axisLabel: { show: false }, splitLine: { show: false } }),
      yAxis: categoryAxis(lines.map(([basis, name]) => `${term("basis", basis)} · ${column("content_mix_daily", name)}`), { inverse: true, axisLine: { show: false } }),
      series: roles.map((role) => ({ name: term("role", role), type: "bar", stack: "mix", barMaxWidth: 18, itemStyle: { color: colours[role] }, data: lines.map(([basis, name]) => rows.find((row) => row.role_basis === basis && row.role === role)?.[name] ?? null) })),
    }),
  };
};

charts.campaigns = () => {
  const mart = "campaign_performance";
  const rows = records("campaigns");
  if (!rows.length) return { why: why(mart) };
  const label = (row) => named("campaign", row.campaign_id);
  const table = listed("campaigns", mart, {
    campaign_id: byName("campaign"), starts_on: "day", ends_on: "day", paid_amount: "money", baseline_amount: "money", uplift: "pct", incremental_amount: "money",
    net_incremental_amount: "money", a3_gained: "int", asset_gained: "int", repurchase_30d: "pct", repurchase_90d: "pct", roi: "num", data_status: inWords("status"),
  });
  const drawn = rows.slice(0, 12);
  return {
    height: 70 + drawn.length * 44, table, asof: fill(W.page.chart.as_of, { day: shop().last }),
    option: frame({
      grid: { left: 4, right: 70, top: 34, bottom: 4, ...HELD },
      tooltip: { ...tipBox(), trigger: "item", formatter: (p) => tip(label(drawn[p.dataIndex]), [[column(mart, "paid_amount"), shown("money", drawn[p.dataIndex].paid_amount)], [column(mart, "baseline_amount"), shown("money", drawn[p.dataIndex].baseline_amount)], [column(mart, "uplift"), shown("pct", drawn[p.dataIndex].uplift)]]) },
      xAxis: valueAxis(brief), yAxis: categoryAxis(drawn.map((row) => isolated(label(row))), { inverse: true, axisLine: { show: false }, axisLabel: { ...labelStyle(), color: ink("soft"), fontSize: 12, width: 130, overflow: "truncate" } }),
      series: [
        { name: column(mart, "baseline_amount"), type: "bar", barMaxWidth: 12, itemStyle: { color: ink("c7") }, data: drawn.map((row) => row.baseline_amount) },
        {
          name: column(mart, "paid_amount"), type: "bar", barMaxWidth: 12, itemStyle: { color: ink("c1") }, data: drawn.map((row) => row.paid_amount),
          label: { show: true, position: "right", color: ink("ink"), fontSize: 12, fontFamily: FONT, formatter: (p) => (drawn[p.dataIndex].uplift === null ? "" : (drawn[p.dataIndex].uplift > 0 ? "+" : "") + shown("pct", drawn[p.dataIndex].uplift)) },
        },
      ],
    }),
    drill: (point) => ({ title: label(drawn[point.dataIndex]), table: { ...table, rows: [table.rows[point.dataIndex]] } }),
  };
};
