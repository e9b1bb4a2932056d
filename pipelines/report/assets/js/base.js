"use strict";
// What the page holds and how it is read: data, words, numbers as text, days and periods. No chart, no document but `el`.

const DATA = JSON.parse(document.getElementById("page-data").textContent);
const LANG = DATA.language;
const W = DATA.words;
const state = { shop: Object.keys(DATA.shops)[0], from: 0, to: 0, grain: "day", options: {} };

const shop = () => DATA.shops[state.shop];
const term = (family, code) => W.terms[family][String(code)] ?? String(code);
const fill = (template, fields) => template.replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
const column = (mart, name) => DATA.columns[mart]?.[name] ?? W.charts.column[name] ?? name;

// A name from outside keeps its writing direction to itself, also where no markup can say so.
const isolated = (name) => "\u2068" + name + "\u2069";
// An id may be the name of something every object has.
const own = (words, id) => (words && Object.hasOwn(words, id) ? words[id] : undefined);
function named(kind, id) {
  const name = own(shop().names[kind], id);
  // Contents share their topics: the end of the id tells them apart.
  return name === undefined ? id : kind === "content" ? `${name} …${id.slice(-4)}` : name;
}

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// ---- numbers

const grouped = (value, digits = 0) =>
  value.toLocaleString(LANG === "zh" ? "zh-CN" : "en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });

const show = {
  text: (value) => String(value),
  name: (value) => String(value),
  id: (value) => String(value),
  day: (value) => String(value),
  flag: (value) => (value ? W.page.chart.yes : W.page.chart.no),
  int: (value) => grouped(value),
  money: (value) => "¥" + grouped(value, 2),
  pct: (value) => grouped(100 * value, 1) + "%",
  points: (value) => grouped(value, 2),
  num: (value) => (Math.abs(value) >= 1000 ? grouped(value) : String(+value.toPrecision(4))),
};
const shown = (kind, value) => (value === null || value === undefined ? "—" : show[kind](value));

function brief(value) {
  const size = Math.abs(value);
  const plain = size >= 100 ? grouped(Math.round(value)) : String(+value.toPrecision(4));
  const cut = (by, unit) => String(+(value / by).toPrecision(size / by >= 1000 ? 4 : 3)) + unit;
  if (LANG === "zh") return size >= 1e8 ? cut(1e8, "亿") : size >= 1e4 ? cut(1e4, "万") : plain;
  return size >= 1e6 ? cut(1e6, "M") : size >= 1e3 ? cut(1e3, "k") : plain;
}

// ---- days and periods

const DAY = 86400000;
const toDay = (iso) => Date.parse(iso + "T00:00:00Z");
const toIso = (time) => new Date(time).toISOString().slice(0, 10);
const dayAt = (index) => toIso(toDay(shop().first) + index * DAY);
const indexOf = (iso) => Math.round((toDay(iso) - toDay(shop().first)) / DAY);

function periodStart(iso, grain) {
  if (grain === "month") return iso.slice(0, 8) + "01";
  const time = toDay(iso);
  return toIso(time - ((new Date(time).getUTCDay() + 6) % 7) * DAY);
}

function periodEnd(start, grain) {
  const then = new Date(toDay(start));
  if (grain === "month") return toIso(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() + 1, 0));
  return toIso(then.getTime() + 6 * DAY);
}

// Whole periods that touch the days chosen, each as first and last index; a period cut by the calendar is left out.
function periods() {
  const found = [];
  if (state.grain === "day") {
    for (let i = state.from; i <= state.to; i += 1) found.push({ label: dayAt(i), from: i, to: i });
    return found;
  }
  for (let start = periodStart(dayAt(state.from), state.grain); start <= dayAt(state.to); ) {
    const end = periodEnd(start, state.grain);
    const from = indexOf(start);
    const to = indexOf(end);
    if (from >= 0 && to < shop().days) found.push({ label: state.grain === "month" ? start.slice(0, 7) : start, from, to });
    start = toIso(toDay(end) + DAY);
  }
  return found;
}

const fold = {
  sum: (values, span) => {
    let total = null;
    for (let i = span.from; i <= span.to; i += 1) if (values?.[i] !== null && values?.[i] !== undefined) total = (total ?? 0) + values[i];
    return total === null ? null : Math.round(total * 100) / 100;
  },
  last: (values, span) => values?.[span.to] ?? null,
};
const whole = () => ({ from: state.from, to: state.to });

// ---- the marts

const series = (mart, name, key = "") => shop().daily[mart]?.[key]?.[name];
const keys = (mart) => Object.keys(shop().daily[mart] ?? {});
const records = (listing) => {
  const { columns = [], rows = [] } = shop().list[listing] ?? {};
  return rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
};

// Why there is nothing to draw, in words: the reason of the mart, a hint of our own, what to deliver.
function why(mart, hint) {
  const status = shop()?.status[mart];
  const said = W.page.why;
  const told = [];
  if (!DATA.marts.includes(mart)) told.push(fill(said.absent, { mart }));
  else if (status === "empty" || status === undefined) told.push(fill(said.empty, { mart }));
  else if (status !== "ok") told.push(said[status]);
  else if (hint === undefined) told.push(said.range);
  if (hint && DATA.marts.includes(mart) && status !== "empty") told.push(said[hint]);
  const needs = W.charts.needs[mart];
  if (needs && DATA.marts.includes(mart) && status !== "ok" && hint !== "score_cold") {
    told.push(fill(said.needs, { feeds: needs.map((feed) => term("feed", feed)).join(LANG === "zh" ? "、" : ", ") }));
  }
  return told.join(LANG === "zh" ? "" : " ");
}
