// What is shown, by the address; keys; and the beginning of it all.

let query = emptyQuery();
let tableScroll = 0;
let current = "";
let typing = 0;

async function go() {
  clearTimeout(typing); // the address is somebody's by now
  typing = 0;
  const place = readPlace(location.hash);
  const isTable = place.page === "table";
  const isSame = current === "table" && isTable;
  if (current === "table" && !isTable) tableScroll = scrollY;
  byId("help").close();
  markPage(place);
  if (isTable) {
    query = place.query;
    const search = byId("search");
    if (search.value.trim() !== query.q) search.value = query.q;
    showTable(query);
    show("table-page");
    document.title = titleOf(query.q ? `${query.q} · operators` : "operators");
    if (!isSame && current) scrollTo(0, tableScroll);
    current = "table";
    return;
  }
  const hash = location.hash;
  const page = await pageOf(place).catch(failedPage);
  if (hash !== location.hash) return; // somebody went on
  byId("other-page").replaceChildren(page);
  show("other-page");
  current = place.page;
  const head = page.querySelector("h1");
  document.title = titleOf(head.textContent);
  scrollTo(0, 0);
  head.focus({ preventScroll: true });
}

function pageOf(place) {
  if (place.page === "op") return operatorPage(place.name);
  if (place.page === "compare") return comparisonPage(place.number);
  return coveragePage();
}

async function failedPage(error) {
  return el("article", {}, el("h1", { tabindex: "-1" }, "This page cannot be shown"), el("p", {}, error.message));
}

const titleOf = (text) => `${text} · ${catalogue.table.name}`;

function show(id) {
  for (const other of ["table-page", "other-page"]) byId(other).hidden = other !== id;
}

function markPage(place) {
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.page === place.page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

// A filter is a step that the back button undoes; a key in the search is not.
function change(make) {
  keepTyped();
  query = make(query);
  history.pushState(null, "", hashOf(query));
  go();
}

function typed() {
  query = { ...query, q: byId("search").value };
  showTable(query);
  clearTimeout(typing);
  // Browsers slow down pages that change their address at every key.
  typing = setTimeout(keepTyped, 150);
}

// Puts what was typed into the address, before somebody leaves it.
function keepTyped() {
  if (!typing) return;
  clearTimeout(typing);
  typing = 0;
  history.replaceState(null, "", hashOf(query));
}

// Shows the table as it was, at once.
function toTable() {
  history.pushState(null, "", hashOf(query));
  go();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
  const isTyping = event.target.matches("input[type=search]");
  const isTable = !byId("table-page").hidden;
  if (event.key === "Escape" && !isTable) toTable();
  else if (event.key === "Escape" && isTyping && query.q) {
    byId("search").value = "";
    typed();
  } else if (isTable && ["ArrowDown", "ArrowUp"].includes(event.key) && (isTyping || event.target.closest("#rows"))) {
    moveBetweenRows(event.key === "ArrowDown" ? 1 : -1);
  } else if (isTyping) return;
  else if (event.key === "/") {
    if (!isTable) toTable();
    byId("search").focus();
    byId("search").select();
  } else if (event.key === "?") byId("help").showModal();
  else return;
  event.preventDefault();
}

function backToTable(event) {
  const link = event.target.closest("[data-back]");
  if (!link) return;
  event.preventDefault();
  toTable();
}

function restore() {
  const state = history.state;
  if (!state || state.scroll === undefined) return;
  while (shown.count < shown.found.length && document.body.scrollHeight < state.scroll + innerHeight) showMore(AT_ONCE);
  scrollTo(0, state.scroll);
  if (state.isSearching) byId("search").focus();
  history.replaceState(null, "", location.href);
}

// A folder of which somebody copied only a part.
function sayMissing() {
  if (!catalogue.table) byId("status").textContent = "data/table.js is missing: the pages need their whole folder.";
}

async function begin() {
  addEventListener("load", sayMissing);
  const isInFolder = !document.querySelector("script[data-name]");
  fillCatalogue(await (isInFolder ? promiseOf("table").promise : need("table")));
  watchFilters(change);
  watchRows();
  byId("search").addEventListener("input", typed);
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    moveBetweenRows(1);
  });
  addEventListener("popstate", go);
  addEventListener("keydown", pressed);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    const target = byId("table-page").hidden ? byId("other-page").querySelector("h1") : byId("list");
    target.focus();
  });
  document.addEventListener("click", keepTyped, true);
  document.addEventListener("click", backToTable);
  byId("help-button").addEventListener("click", () => byId("help").showModal());
  await go();
  restore();
  if ("live" in document.documentElement.dataset) lookForVersions();
}

begin();
