// The goods quadrant: every selling product by its shares, the classes beside the paper's, changes of class.

const QUADRANTS = ["core", "traffic", "profit", "potential"];
// A shape a class, so that colour is not the only sign.
const QUADRANT_MARK = { core: "circle", traffic: "triangle", profit: "diamond", potential: "rect" };
const quadrantColour = (code) => ({ core: ink("c1"), traffic: ink("c6"), profit: ink("c4"), potential: ink("c7") })[code];
const scopeOf = (chart) => state.options[chart]?.scope ?? "all";
const PRODUCTS = {
  product_id: byName("product"), quadrant: inWords("quadrant"), net_amount: "money", net_quantity: "int", amount_share: "pct", quantity_share: "pct",
  quadrant_gross: inWords("quadrant"), is_provisional: "flag", is_tail_risk: "flag", moved_from: inWords("quadrant"),
};
const PRODUCTS_WITH_ID = (table, rows) => ({
  ...table, columns: [table.columns[0], { label: column("product_quadrant", "product_id"), kind: "id" }, ...table.columns.slice(1)],
  rows: table.rows.map((row, i) => [row[0], rows[i].product_id, ...row.slice(1)]),
});
function products(keep) {
  const rows = records("products").filter(keep);
  return PRODUCTS_WITH_ID(listed("products", "product_quadrant", PRODUCTS, keep), rows);
}
const window30 = () => fill(W.page.chart.window, { day: shop().last });

charts.goods_quadrant = (plot) => {
  const scope = scopeOf("goods_quadrant");
  const rows = records("products").filter((row) => row.scope === scope && row.quadrant && row.amount_share > 0 && row.quantity_share > 0);
  if (!rows.length) return { why: why("product_quadrant", shop().status.product_quadrant === "ok" ? "quadrant" : undefined) };
  const mean = 1 / (shop().goods.selling[scope] || rows.length);
  const percent = (value) => (value >= 0.01 ? +(100 * value).toPrecision(2) : +(100 * value).toPrecision(1)) + "%";
  const strategies = Object.fromEntries(records("quadrants").filter((row) => row.scope === scope).map((row) => [row.quadrant, row["strategy_" + LANG]]));
  const about = (row) => {
    const name = named("product", row.product_id);
    const parts = [el("h4", {}, el("bdi", { class: "name" }, name), ` · ${term("quadrant", row.quadrant)}`), el("p", {}, `${column("product_quadrant", "net_amount")} ${shown("money", row.net_amount)} · ${column("product_quadrant", "net_quantity")} ${shown("int", row.net_quantity)}`)];
    if (strategies[row.quadrant]) parts.push(el("p", {}, `${W.charts.word.strategy}: `, el("span", {}, strategies[row.quadrant])));
    return parts;
  };
  const best = rows[0];
  const bounds = (of) => { const values = rows.map((row) => row[of]); return { min: Math.min(...values, mean) / 1.3, max: Math.max(...values, mean) * 1.3 }; };
  const logAxis = (of, name) => ({
    type: "log", ...bounds(of), name, nameLocation: "middle", nameGap: 26, nameTextStyle: labelStyle(), axisLabel: { ...labelStyle(), formatter: percent, hideOverlap: true },
    splitLine: { show: false }, axisLine: { lineStyle: { color: ink("rule") } }, minorSplitLine: { show: false }, axisTick: { show: false },
  });
  return {
    height: narrow(plot) ? 360 : 440, asof: window30(), table: products((row) => row.scope === scope), side: about(best),
    option: frame({
      grid: { left: 26, right: 16, top: 34, bottom: 26, ...HELD },
      legend: { ...frame().legend, icon: undefined, itemWidth: 10, itemHeight: 10 },
      tooltip: {
        ...tipBox(), trigger: "item",
        formatter: (p) => (p.data.row ? tip(named("product", p.data.row.product_id), [
          [column("product_quadrant", "quadrant"), term("quadrant", p.data.row.quadrant)], [column("product_quadrant", "net_amount"), shown("money", p.data.row.net_amount)],
          [column("product_quadrant", "net_quantity"), shown("int", p.data.row.net_quantity)], [column("product_quadrant", "amount_share"), shown("pct", p.data.row.amount_share)],
          [column("product_quadrant", "quantity_share"), shown("pct", p.data.row.quantity_share)],
        ]) : null),
      },
      xAxis: logAxis("quantity_share", column("product_quadrant", "quantity_share")), yAxis: { ...logAxis("amount_share", column("product_quadrant", "amount_share")), nameGap: 44 },
      series: QUADRANTS.map((code) => ({
        name: term("quadrant", code), type: "scatter", symbol: QUADRANT_MARK[code], symbolSize: rows.length > 600 ? 6 : 9,
        itemStyle: { color: quadrantColour(code), opacity: 0.75, borderColor: ink("paper"), borderWidth: 0.6 },
        data: rows.filter((row) => row.quadrant === code).map((row) => ({ value: [row.quantity_share, row.amount_share], row })),
        markLine: code === "core" ? { silent: true, symbol: "none", lineStyle: { color: ink("muted"), type: "dashed", width: 1 }, label: { show: false }, data: [{ xAxis: mean }, { yAxis: mean }] } : undefined,
      })),
    }),
    pick: (point) => (point.data.row ? about(point.data.row) : null),
  };
};

charts.goods_share = () => {
  const scope = scopeOf("goods_share");
  const rows = records("quadrants").filter((row) => row.scope === scope && row.amount_share !== null);
  if (!rows.length) return { why: why("quadrant_summary_daily", shop().status.quadrant_summary_daily === "ok" ? "quadrant" : undefined) };
  const bars = QUADRANTS.map((code) => rows.find((row) => row.quadrant === code)).filter(Boolean)
    .map((row) => ({ code: row.quadrant, name: term("quadrant", row.quadrant), value: row.amount_share, mark: row.paper_share, colour: quadrantColour(row.quadrant), tip: [[W.charts.word.ours, shown("pct", row.amount_share)], [W.charts.word.paper, shown("pct", row.paper_share)]] }));
  return {
    ...beside({ bars, kind: "pct", format: brief, marks: W.charts.word.paper }), asof: window30(),
    table: listed("quadrants", "quadrant_summary_daily", { quadrant: inWords("quadrant"), products: "int", net_amount: "money", amount_share: "pct", paper_share: "pct", gap_points: "points" }, (row) => row.scope === scope),
    drill: (point) => { const bar = bars[bars.length - 1 - point.dataIndex]; return { title: bar.name, table: products((row) => row.scope === scope && row.quadrant === bar.code) }; },
  };
};

charts.goods_moves = () => {
  const table = listed("moves", "product_quadrant", { business_date: "day", scope: inWords("scope"), product_id: byName("product"), moved_from: inWords("quadrant"), quadrant: inWords("quadrant") });
  return table.rows.length ? { table, tableOnly: true } : { why: DATA.marts.includes("product_quadrant") && shop().status.product_quadrant === "ok" ? W.page.why.no_moves : why("product_quadrant") };
};
