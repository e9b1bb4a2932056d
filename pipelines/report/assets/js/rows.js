// Rows as a table a person reads and as CSV another program opens. A table: {mart, columns: [{label, kind}], rows, total}.

const ROWS_SHOWN = 200;
const NUMERIC = new Set(["int", "money", "pct", "points", "num"]);

function tableOf(table, caption) {
  const head = el("tr", {}, ...table.columns.map((c) => el("th", { scope: "col", class: NUMERIC.has(c.kind) ? "num" : "" }, c.label)));
  const body = table.rows.slice(0, ROWS_SHOWN).map((row) =>
    el("tr", {}, ...row.map((value, i) => {
      const kind = table.columns[i].kind;
      const text = shown(kind, value);
      if (NUMERIC.has(kind)) return el("td", { class: "num" }, text);
      return el("td", { class: kind === "name" || kind === "id" ? "text name" : "text" }, el("bdi", {}, text));
    })),
  );
  const total = Math.max(table.total ?? 0, table.rows.length);
  const cut = total > body.length ? fill(W.page.chart.shown, { total: grouped(total), shown: grouped(body.length), mart: table.mart }) : "";
  const note = [caption, cut].filter(Boolean).join(" · ");
  return el("table", {}, note ? el("caption", {}, note) : null, el("thead", {}, head), el("tbody", {}, ...body));
}

// A spreadsheet runs a cell that begins like a formula and rounds an id of 16 digits and more: both are kept as text.
function csvCell(value, kind) {
  if (value === null || value === undefined) return "";
  let text = String(value);
  if (!NUMERIC.has(kind)) {
    if (/^\d{12,}$/.test(text)) text = "\t" + text;
    else if (/^[\s\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]*[=+\-@\t\r|%＝＋－＠]/.test(text)) text = "'" + text;
  }
  return /[",\r\n\t]/.test(text) || text !== text.trim() ? '"' + text.replaceAll('"', '""') + '"' : text;
}

function csvOf(table) {
  const lines = [table.columns.map((c) => csvCell(c.label, "text")).join(",")];
  for (const row of table.rows) lines.push(row.map((value, i) => csvCell(value, table.columns[i].kind)).join(","));
  return "\ufeff" + lines.join("\r\n") + "\r\n";
}

function download(name, table) {
  const link = el("a", { href: URL.createObjectURL(new Blob([csvOf(table)], { type: "text/csv;charset=utf-8" })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const fileName = (chart) => `${chart}_${state.shop.replace(/[^\w\u4e00-\u9fff-]+/g, "_").slice(0, 40)}_${dayAt(state.from)}_${dayAt(state.to)}.csv`;

// The rows of a listing as a table: `kinds` names the columns to show, in order, and how.
function listed(listing, mart, kinds, keep = () => true) {
  const held = shop().list[listing];
  const chosen = Object.entries(kinds).filter(([name]) => held.columns.includes(name));
  const rows = records(listing).filter(keep);
  return {
    mart,
    columns: chosen.map(([name, kind]) => ({ label: kind.label ?? column(mart, name), kind: typeof kind === "string" ? kind : kind.kind })),
    rows: rows.map((row) => chosen.map(([name, kind]) => (typeof kind === "string" ? row[name] : kind.of(row[name], row)))),
    total: rows.length === held.rows.length ? held.total : rows.length,
  };
}
const inWords = (family) => ({ kind: "text", of: (code) => (code === null ? null : term(family, code)) });
const byName = (kind) => ({ kind: "name", label: W.charts.word[kind], of: (id) => named(kind, id) });

// One row a day of a daily mart, for the rows behind a period.
function dailyRows(mart, kinds, span, split) {
  const names = Object.keys(kinds).filter((name) => keys(mart).some((key) => series(mart, name, key)));
  const rows = [];
  for (let i = span.to; i >= span.from; i -= 1) {
    for (const key of keys(mart)) {
      if (split && !split.keep(key)) continue;
      const values = names.map((name) => series(mart, name, key)?.[i] ?? null);
      if (values.some((value) => value !== null)) rows.push([dayAt(i), ...(split ? split.words(key) : []), ...values]);
    }
  }
  return {
    mart,
    columns: [
      { label: W.page.chart.period, kind: "day" },
      ...(split ? split.columns.map((label) => ({ label, kind: "text" })) : []),
      ...names.map((name) => ({ label: column(mart, name), kind: kinds[name] })),
    ],
    rows,
  };
}
