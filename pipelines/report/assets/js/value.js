// What buyers are worth: repurchase, monthly cohorts, fans and members, lucky bags.

charts.repurchase_trend = () => overTime({
  mart: "repurchase_daily", format: (value) => shown("pct", value), min: 0,
  behind: (span) => dailyRows("repurchase_daily", { buyers_30d: "int", repeat_buyers_30d: "int", buyers_90d: "int", repeat_buyers_90d: "int", buyers_180d: "int", repeat_buyers_180d: "int", buyers_365d: "int", repeat_buyers_365d: "int" }, span),
  parts: ["30", "90", "180", "365"].map((days, i) => ({ name: column("repurchase_daily", `repurchase_rate_${days}d`), kind: "pct", colour: [ink("c2"), ink("a2"), ink("a3"), ink("a5")][i], values: (span) => fold.last(series("repurchase_daily", `repurchase_rate_${days}d`), span) })),
});

charts.cohorts = (plot) => {
  const mart = "cohort_value";
  const rows = records("cohorts").filter((row) => row.cumulative_per_user !== null);
  if (!rows.length) return { why: why(mart) };
  const most = narrow(plot) ? 6 : 12;
  const months = [...new Set(rows.map((row) => row.cohort_month))].sort().slice(-12);
  const across = [...new Set(rows.map((row) => row.months_since_first))].sort((a, b) => a - b).slice(0, most);
  const cells = rows.filter((row) => months.includes(row.cohort_month) && across.includes(row.months_since_first)).map((row) => [across.indexOf(row.months_since_first), months.indexOf(row.cohort_month), row.cumulative_per_user]);
  return {
    ...shaded({ across: across.map(String), down: months.map((month) => month.slice(0, 7)), cells, kind: "money", format: (value) => brief(Math.round(value)), height: 50 + months.length * 26 }),
    asof: fill(W.page.chart.as_of, { day: shop().last }),
    table: listed("cohorts", mart, { cohort_month: "day", months_since_first: "int", users: "int", net_amount: "money", cumulative_per_user: "money", clv12: "money", clv_basis: inWords("clv_basis") }),
  };
};

charts.fans = () => {
  const mart = "fan_member_daily";
  const groups = ["fan", "non_fan", "member", "non_member"].map((key) => ({ key, viewers: fold.sum(series(mart, "viewers", key), whole()), buyers: fold.sum(series(mart, "buyers", key), whole()) }));
  const bars = groups.filter((group) => group.viewers && group.buyers !== null).map((group) => ({ name: term("group", group.key), value: group.buyers / group.viewers, colour: ink({ fan: "c1", non_fan: "c5", member: "c4", non_member: "c7" }[group.key]), tip: [[column(mart, "viewers"), shown("int", group.viewers)], [column(mart, "buyers"), shown("int", group.buyers)]] }));
  if (!bars.length) return { why: why(mart) };
  return {
    ...beside({ bars, kind: "pct", format: brief }), asof: rangeText(),
    table: dailyRows(mart, { viewers: "int", buyers: "int", conversion: "pct", amount_per_buyer: "money", amount_per_order: "money" }, whole(), { columns: [column(mart, "viewer_group")], words: (key) => [term("group", key)], keep: () => true }),
  };
};

// Conversion of some days from their sums, where the mart counts the pairs behind it.
const bagRate = (who) => (span) => {
  const pairs = fold.sum(series("lucky_bag_daily", who + "_pairs"), span);
  const buyers = fold.sum(series("lucky_bag_daily", who + "_buyers"), span);
  return pairs && buyers !== null ? buyers / pairs : fold.last(series("lucky_bag_daily", who + "_conversion"), span);
};

charts.lucky_bags = () => overTime({
  mart: "lucky_bag_daily", format: (value) => shown("pct", value),
  behind: (span) => dailyRows("lucky_bag_daily", { bags: "int", participations: "int", participants: "int", winners: "int", mean_interval_minutes: "num", overlaps: "int" }, span),
  parts: [
    { name: W.charts.word.joined, kind: "pct", colour: ink("c1"), values: bagRate("participant") },
    { name: W.charts.word.others, kind: "pct", colour: ink("c7"), dashed: true, values: bagRate("non_participant") },
  ],
});
