// What came in and what was held back: tables only.

charts.books = () => {
  const { feeds, unbalanced, checks, refused } = DATA.books;
  const names = ["feed", "files", "rows_read", "rows_loaded", "rows_duplicate", "rows_quarantined", "rows_set_aside", "loaded_at"];
  const told = [fill(W.charts.word.checks, { passed: grouped(checks[1]), all: grouped(checks[0]) })];
  if (unbalanced) told.push(fill(W.charts.word.unbalanced, { files: unbalanced }));
  return {
    tableOnly: true, side: [el("p", {}, told.join(" · ")), ...refused.map(([path]) => el("p", {}, `${W.charts.word.refused}: `, el("bdi", { class: "name" }, path)))],
    table: {
      mart: "operations.load_audit", columns: names.map((name) => ({ label: W.charts.column[name], kind: name === "feed" || name === "loaded_at" ? "text" : "int" })),
      rows: feeds.map((row) => [term("feed", row[0]), ...row.slice(1)]),
    },
  };
};

charts.held = () => {
  const { held, examples } = DATA.books;
  if (!held.length) return { why: W.page.why.none_held };
  const labels = (names, kinds) => names.map((name, i) => ({ label: W.charts.column[name], kind: kinds[i] }));
  return {
    tableOnly: true,
    table: { mart: "operations.quarantine", columns: labels(["feed", "reason", "rows"], ["text", "text", "int"]), rows: held.map((row) => [term("feed", row[0]), term("reason", row[1]), row[2]]) },
    behind: {
      mart: "operations.quarantine", columns: labels(["feed", "reason", "path", "line", "column_name"], ["text", "text", "name", "int", "name"]),
      rows: examples.map((row) => [term("feed", row[0]), term("reason", row[1]), ...row.slice(2)]), total: held.reduce((sum, row) => sum + row[2], 0),
    },
  };
};

charts.publications = () => {
  const names = ["business_date", "published_at", "duration_seconds", "rule_version"];
  return { tableOnly: true, table: { mart: "operations.publications", columns: names.map((name) => ({ label: W.charts.column[name], kind: name === "duration_seconds" ? "num" : "text" })), rows: DATA.books.publications } };
};
