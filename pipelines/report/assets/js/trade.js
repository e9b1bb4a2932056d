// The shop's day: paid and refunded, the funnel, new and returning buyers.

const SHOP_DAY = {
  paid_amount: "money", net_amount: "money", refund_by_refund_date: "money", buyers: "int", orders: "int", units: "int",
  new_buyers: "int", returning_buyers: "int", impressions: "int", views: "int", viewers: "int", product_impression_users: "int",
  product_click_users: "int", roi: "num",
};
const shopDays = (span) => dailyRows("shop_daily", SHOP_DAY, span);
const summed = (name, key) => (span) => fold.sum(series("shop_daily", name, key), span);

charts.trade_trend = () => overTime({
  mart: "shop_daily", format: brief, behind: shopDays,
  parts: [
    { name: column("shop_daily", "paid_amount"), kind: "money", values: summed("paid_amount"), colour: ink("c1") },
    { name: column("shop_daily", "net_amount"), kind: "money", values: summed("net_amount"), colour: ink("a2") },
    { name: column("shop_daily", "refund_by_refund_date"), kind: "money", values: summed("refund_by_refund_date"), colour: ink("c2"), dashed: true },
  ],
});

charts.trade_funnel = () => {
  const steps = ["impressions", "views", "product_impression_users", "product_click_users", "buyers"];
  const bars = steps.map((name) => ({ name: column("shop_daily", name), value: fold.sum(series("shop_daily", name), whole()) })).filter((bar) => bar.value !== null);
  if (!bars.length) return { why: why("shop_daily") };
  bars.forEach((bar, i) => {
    bar.share = i && bars[i - 1].value ? bar.value / bars[i - 1].value : null;
    bar.colour = ink("a" + Math.min(5, i + 1));
  });
  const part = (bar) => (bar.share === null ? "" : fill(W.charts.word.of_before, { share: shown("pct", bar.share) }));
  return {
    ...beside({ bars, kind: "int", labels: (bar) => brief(bar.value) + (bar.share === null ? "" : "  " + shown("pct", bar.share)), format: brief }),
    asof: fill(W.page.chart.range, { from: dayAt(state.from), to: dayAt(state.to) }),
    table: {
      mart: "shop_daily", columns: [{ label: W.charts.word.value, kind: "text" }, { label: W.charts.word.total, kind: "int" }, { label: "", kind: "text" }],
      rows: bars.map((bar) => [bar.name, bar.value, part(bar)]),
    },
    drill: () => ({ title: W.charts.title.trade_funnel, table: shopDays(whole()) }),
  };
};

charts.trade_buyers = () => overTime({
  mart: "shop_daily", format: brief, behind: shopDays, hint: "missing_source",
  parts: [
    { name: column("shop_daily", "returning_buyers"), kind: "int", values: summed("returning_buyers"), type: "bar", stack: "buyers", colour: ink("a4") },
    { name: column("shop_daily", "new_buyers"), kind: "int", values: summed("new_buyers"), type: "bar", stack: "buyers", colour: ink("a2") },
  ],
});
