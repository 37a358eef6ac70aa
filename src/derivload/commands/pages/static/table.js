// The table: rows are made when they come into view, and kept.

const AT_FIRST = 24;
const AT_ONCE = 60;
const MOST_SAVED = 4;
const COLUMNS = [
  ["name", "Operator"],
  ["derivative", "Derivative"],
  ["forward", "Forward"],
  ["saves", "Saves"],
  ["kernels", "Kernels"],
  ["changes", "Changes"],
];
const rows = new Map();
let shown = { found: [], count: 0 };

function columns() {
  return COLUMNS.filter(([sort]) => sort !== "changes" || catalogue.table.comparisons.length);
}

function showTable(query) {
  const { found, counts } = find(query);
  shown = { found, count: 0 };
  byId("rows").replaceChildren();
  showMore(AT_FIRST);
  showHeads(query);
  showFilters(query, counts);
  const all = catalogue.operators.length.toLocaleString("en");
  byId("status").textContent =
    found.length === catalogue.operators.length
      ? plural(found.length, "function")
      : `${found.length.toLocaleString("en")} of ${all} functions`;
}

function showMore(count) {
  const next = shown.found.slice(shown.count, shown.count + count);
  shown.count += next.length;
  byId("rows").append(...next.map(rowOf));
  const left = shown.found.length - shown.count;
  byId("more").textContent = shown.found.length ? (left ? `${left.toLocaleString("en")} more` : "") : "Nothing passes all of this.";
}

function watchRows() {
  new IntersectionObserver(
    (seen) => seen.some((one) => one.isIntersecting) && shown.count < shown.found.length && showMore(AT_ONCE),
    { rootMargin: "400px" }
  ).observe(byId("more"));
  addEventListener("beforeprint", () => showMore(shown.found.length));
}

function showHeads(query) {
  const heads = columns().map(([sort, label]) => {
    const isSorted = query.sort === sort;
    const order = isSorted ? (query.down ? "descending" : "ascending") : null;
    const next = { ...query, sort: isSorted && query.down ? "" : sort, down: isSorted && !query.down };
    return el("th", { scope: "col", "aria-sort": order }, el("a", { href: hashOf(next), class: "sort", "data-sort": sort }, label));
  });
  const focused = document.activeElement && document.activeElement.dataset.sort;
  byId("heads").replaceChildren(...heads);
  if (focused) byId("heads").querySelector(`[data-sort="${focused}"]`).focus();
}

function rowOf(operator) {
  if (!rows.has(operator)) rows.set(operator, makeRow(operator));
  return rows.get(operator);
}

function makeRow(operator) {
  const rest = operator.schema.slice(operator.overload.length).replace(/ -> (?=[^>]*$)/, " →\u00a0");
  const cells = [
    el("th", { scope: "row" }, el("a", { href: hashOfOperator(operator.name) }, breakable(operator.name)), el("span", { class: "schema" }, rest), tagsOf(operator)),
    el("td", {}, operator.nodes.length ? joined(operator.nodes.map((node) => el("code", {}, breakable(node)))) : el("span", { class: "dim" }, derivativeText(operator))),
    el("td", {}, operator.nodes.length ? (hasFlag(operator, "forward") ? "yes" : el("span", { class: "lack" }, "no")) : el("span", { class: "dim" }, "–")),
    el("td", {}, savedIn(operator)),
    el("td", { title: operator.keys.join(", ") }, keysOf(operator)),
  ];
  if (catalogue.table.comparisons.length) cells.push(el("td", {}, operator.changes ? String(operator.changes) : ""));
  const labels = columns();
  cells.forEach((cell, at) => at && cell.setAttribute("data-label", labels[at][1]));
  return el("tr", {}, cells);
}

function tagsOf(operator) {
  const tags = operator.tags.filter((tag) => !catalogue.commonTags.has(tag));
  return joined(tags.map((tag) => el("span", { class: "tag" }, tag)), " ");
}

// What is saved, whole tensors first, as far as there is room.
function savedIn({ saved }) {
  const [whole, others] = [saved.filter((one) => one.startsWith("*")), saved.filter((one) => !one.startsWith("*"))];
  const most = [...whole, ...others].slice(0, MOST_SAVED);
  const left = saved.length - most.length;
  return [joined(most.map(savedOf), " "), left ? el("span", { class: "dim" }, ` + ${left}`) : null];
}

// A saved value; whole tensors are marked, for they cost memory.
function savedOf(saved) {
  return saved.startsWith("*")
    ? el("code", { class: "whole", title: "a whole tensor" }, breakable(saved.slice(1)))
    : el("code", {}, breakable(saved));
}

function keysOf(operator) {
  const [first, ...others] = operator.keys.map((key) => key.replace(/^Composite(Implicit|Explicit)Autograd/, "Composite $1"));
  if (!first) return el("span", { class: "dim" }, "–");
  return others.length > 1 ? `${first} + ${others.length}` : [first, ...others].join(", ");
}

// Moves the focus from row to row; from the search to the first.
function moveBetweenRows(step) {
  const links = [...byId("rows").querySelectorAll("th a")];
  const at = links.indexOf(document.activeElement);
  if (at + step < 0) return byId("search").focus();
  const link = links[at + step];
  if (link) link.focus();
  return undefined;
}
