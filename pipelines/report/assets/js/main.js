// The page: controls, drawing every figure, rows behind a number, warnings of age, print.

const figures = [...document.querySelectorAll("figure[data-chart]")];
const drawn = new Map();
const behindBox = document.getElementById("behind");

function openRows(title, table, chart) {
  document.getElementById("behind-title").textContent = title;
  const rows = behindBox.querySelector(".rows");
  rows.replaceChildren(tableOf(table));
  rows.tabIndex = 0;
  behindBox.querySelector(".csv").onclick = () => download(fileName(chart), table);
  behindBox.showModal();
}
behindBox.querySelector(".close").onclick = () => behindBox.close();

function draw(figure) {
  const name = figure.dataset.chart;
  const plot = figure.querySelector(".plot");
  const told = shop() ? charts[name](plot) : { why: W.page.why.range };
  const made = told.option ? withWholeLegend(told, plot) : told;
  drawn.set(name, made);
  const find = (selector) => figure.querySelector(selector);
  const pictured = Boolean(made.option);
  find(".why").hidden = !made.why;
  find(".why").textContent = made.why ?? "";
  find(".asof").textContent = made.asof ?? "";
  find(".csv").hidden = !made.table;
  find(".show-rows").hidden = !made.table || (made.tableOnly && !made.behind);
  find(".side").hidden = !made.side;
  find(".side").replaceChildren(...(made.side ?? []));
  const rows = find(".rows");
  rows.hidden = !made.tableOnly && (!made.table || find(".show-rows").getAttribute("aria-pressed") !== "true");
  rows.replaceChildren();
  if (made.table && !rows.hidden) fillRows(rows, made.table, figure);
  plot.hidden = !pictured || (!rows.hidden && !made.tableOnly);
  const held = echarts.getInstanceByDom(plot);
  if (!pictured || plot.hidden) {
    held?.dispose();
    plot.removeAttribute("aria-label");
    figure.dataset.ready = "true";
    return;
  }
  plot.style.height = `${made.height ?? 260}px`;
  plot.setAttribute("aria-label", spokenSummary(figure, made));
  held?.dispose();
  const chart = echarts.init(plot, null, { renderer: "svg" });
  chart.on("finished", () => { figure.dataset.ready = "true"; });
  chart.setOption(made.option);
  chart.on("click", (point) => {
    if (made.pick) {
      const about = made.pick(point);
      if (about) find(".side").replaceChildren(...about);
    } else if (made.drill && point.dataIndex !== undefined) {
      const { title, table } = made.drill(point);
      openRows(title, table, name);
    }
  });
  if (made.pick) chart.on("mouseover", (point) => { const about = made.pick(point); if (about) find(".side").replaceChildren(...about); });
}

function fillRows(rows, table, figure) {
  rows.tabIndex = 0;
  rows.setAttribute("role", "region");
  rows.setAttribute("aria-label", figure.querySelector("h3").textContent);
  rows.replaceChildren(tableOf(table));
}

// What a screen reader says of a chart: its title, its days, its newest row. The rows themselves are a button away.
function spokenSummary(figure, made) {
  const title = figure.querySelector("h3").textContent;
  const last = made.table.rows[made.table.rows.length - 1];
  const told = last ? made.table.columns.map((c, i) => `${c.label} ${shown(c.kind, last[i])}`).slice(0, 5).join(LANG === "zh" ? "，" : ", ") : "";
  return [title, made.asof, told].filter(Boolean).join(LANG === "zh" ? "。" : ". ");
}

// One figure a task, so that the page answers while it draws; the last one says that all are there.
let drawing = 0;
function drawAll() {
  drawing += 1;
  const turn = drawing;
  document.documentElement.dataset.ready = "false";
  figures.forEach((figure) => { figure.dataset.ready = "false"; });
  const waiting = [...figures];
  (function next() {
    if (turn !== drawing) return;
    const figure = waiting.shift();
    if (!figure) { document.documentElement.dataset.ready = "true"; return; }
    draw(figure);
    setTimeout(next);
  })();
}
const drawNow = () => { drawing += 1; figures.forEach(draw); };

// ---- controls

const fromBox = document.getElementById("from");
const toBox = document.getElementById("to");
function showRange() {
  for (const box of [fromBox, toBox]) { box.min = shop().first; box.max = shop().last; }
  fromBox.value = dayAt(state.from);
  toBox.value = dayAt(state.to);
  for (const button of document.querySelectorAll("[data-preset]")) button.setAttribute("aria-pressed", String(isPreset(button.dataset.preset)));
}
const presetDays = (preset) => (preset === "all" ? shop().days : Math.min(shop().days, Number(preset.slice(5))));
const isPreset = (preset) => (preset === "all" || shop().days >= Number(preset.slice(5))) && state.to === shop().days - 1 && state.to - state.from + 1 === presetDays(preset);
function choosePreset(preset) {
  state.to = shop().days - 1;
  state.from = state.to - presetDays(preset) + 1;
}
function chooseShop(id) {
  state.shop = id;
  for (const article of document.querySelectorAll(".morning")) article.hidden = article.dataset.shop !== id;
  if (!shop()) return;
  choosePreset("last_30");
  showRange();
  drawAll();
}
document.getElementById("shop").onchange = (event) => chooseShop(event.target.value);
for (const button of document.querySelectorAll("[data-preset]")) {
  button.onclick = () => { choosePreset(button.dataset.preset); showRange(); drawAll(); };
}
for (const box of [fromBox, toBox]) {
  box.onchange = () => {
    if (!box.value) return showRange();
    const bounded = (iso) => Math.min(shop().days - 1, Math.max(0, indexOf(iso)));
    const [a, b] = [bounded(fromBox.value), bounded(toBox.value)];
    state.from = Math.min(a, b);
    state.to = Math.max(a, b);
    showRange();
    drawAll();
  };
}
for (const button of document.querySelectorAll("[data-grain]")) {
  button.onclick = () => {
    state.grain = button.dataset.grain;
    for (const other of document.querySelectorAll("[data-grain]")) other.setAttribute("aria-pressed", String(other === button));
    drawAll();
  };
}
for (const figure of figures) {
  const name = figure.dataset.chart;
  figure.querySelector(".csv").onclick = () => download(fileName(name), drawn.get(name).table);
  figure.querySelector(".show-rows").onclick = (event) => {
    const made = drawn.get(name);
    if (made.behind) return openRows(figure.querySelector("h3").textContent, made.behind, name);
    const button = event.currentTarget;
    const pressed = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(pressed));
    button.textContent = pressed ? W.page.chart.picture : W.page.chart.rows;
    draw(figure);
  };
  for (const button of figure.querySelectorAll("[data-choice]")) {
    button.onclick = () => {
      const group = button.parentElement;
      state.options[name] = { ...state.options[name], [group.dataset.option]: button.dataset.choice };
      for (const other of group.children) other.setAttribute("aria-pressed", String(other === button));
      draw(figure);
    };
  }
}
for (const button of document.querySelectorAll(".figure")) {
  button.onclick = () => {
    const figure = document.getElementById("c-" + button.dataset.chart);
    const made = drawn.get(button.dataset.chart) ?? charts[button.dataset.chart](figure.querySelector(".plot"));
    if (made.table) openRows(`${button.querySelector(".label").textContent} · ${W.page.chart.behind}`, made.table, button.dataset.chart);
    else figure.scrollIntoView();
  };
}

const dark = matchMedia("(prefers-color-scheme: dark)");
document.getElementById("theme").onclick = () => {
  const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  drawAll();
};
dark.addEventListener("change", drawAll);
document.getElementById("print").onclick = () => print();
// Charts are drawn anew for paper: light, and as wide as a page.
let screenTheme;
addEventListener("beforeprint", () => { screenTheme = document.documentElement.dataset.theme; document.documentElement.dataset.theme = "light"; document.documentElement.classList.add("printing"); if (shop()) drawNow(); });
addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); if (screenTheme) document.documentElement.dataset.theme = screenTheme; else delete document.documentElement.dataset.theme; if (shop()) drawAll(); });

let resizing;
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  clearTimeout(resizing);
  resizing = setTimeout(() => { if (shop()) drawAll(); }, 120);
});

// ---- warnings of age: the file cannot know when it is read

function warnOfAge(now) {
  const hours = (now - DATA.published_ms) / 3600000;
  if (hours <= DATA.stale_after_hours) return;
  const text = fill(W.page.warning.stale, { hours: grouped(Math.floor(hours)) });
  document.getElementById("warnings").append(el("p", { class: "warning", id: "stale" }, text));
}
warnOfAge(Date.now());

const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const [id, link] of links) {
      if (id === entry.target.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}, { rootMargin: "-10% 0px -75% 0px" });
for (const id of links.keys()) watcher.observe(document.getElementById(id));

if (state.shop) chooseShop(state.shop);
else {
  for (const control of document.querySelectorAll(".controls button, .controls input, .tools button")) control.disabled = true;
  for (const figure of figures) {
    figure.dataset.ready = "true";
    figure.querySelector(".why").hidden = false;
    figure.querySelector(".why").textContent = W.page.why.no_shop;
  }
  document.documentElement.dataset.ready = "true";
}
