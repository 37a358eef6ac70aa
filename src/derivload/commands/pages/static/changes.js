// What changed from one release to the next: as pages, and as the history of an operator.

async function comparisonPage(number) {
  const [before, after] = catalogue.table.comparisons[number - 1] || [];
  if (!before) return missingPage(`compare/${number}`);
  const found = await need(`comparison_${number}`);
  const counts = ["added", "removed", "renamed", "changed"].map((kind) => `${found[kind].length} ${kind}`);
  return el(
    "article",
    { class: "comparison" },
    el("h1", { tabindex: "-1" }, `${before} → ${after}`),
    el("p", {}, `${counts.join(", ")}.`),
    stepsNav(number),
    everywhere(found),
    changedFunctions("Removed", found.removed),
    changedFunctions("Added", found.added),
    changedFunctions("Renamed", found.renamed.map((one) => ({ ...one, name: one.after, note: `was ${one.before}, ${Math.round(one.measure * 100)} % alike` }))),
    changedFunctions("Changed", found.changed)
  );
}

// All comparisons, the newest first, to go from one to the other.
function stepsNav(number) {
  const { comparisons } = catalogue.table;
  if (comparisons.length < 2) return null;
  const links = comparisons.map(([before, after], at) =>
    el("a", { href: `#compare/${at + 1}`, "aria-current": at + 1 === number ? "page" : null }, `${before} → ${after}`)
  );
  return el("nav", { "aria-label": "Comparisons" }, links.reverse());
}

function everywhere(found) {
  const heads = found.documents.map((change) => el("li", {}, `${change.what}: `, edit(change)));
  const spread = found.widespread.map((one) => el("li", {}, `${one.what}: `, edit(one), el("span", { class: "dim" }, ` in ${plural(one.functions.length, "function")}`)));
  return section("Everywhere", heads.length + spread.length ? el("ul", {}, heads, spread) : null);
}

function edit(one) {
  return [one.before === null ? null : el("del", {}, one.before), one.before !== null && one.after !== null ? " → " : null, one.after === null ? null : el("ins", {}, one.after)];
}

function changedFunctions(title, functions) {
  if (!functions.length) return null;
  return section(
    `${title} (${functions.length})`,
    functions.map((one) => {
      const operator = catalogue.byName.get(one.name);
      return el("section", { class: "change" }, el("h3", {}, operator ? linkTo(operator) : el("code", {}, one.name), one.note ? el("span", { class: "dim" }, ` ${one.note}`) : null), changesList(one.changes));
    })
  );
}

function changesList(changes) {
  if (!changes.length) return null;
  return el("dl", { class: "changes" }, changes.map((change) => [el("dt", {}, `${change.what} ${change.of}`.trim()), el("dd", {}, wordsOf(change))]));
}

// Both sides of a change, with the words that differ marked.
function wordsOf(change) {
  if (change.before === null) return el("ins", {}, change.after);
  if (change.after === null) return el("del", {}, change.before);
  const side = (which, tag) =>
    el("span", { class: `side ${which}` }, change.words.map((step) => (step.before === step.after ? step[which] : step[which] ? el(tag, {}, step[which]) : null)));
  return [side("before", "del"), side("after", "ins")];
}

// What became of one operator, release by release, the newest first.
async function historySection(operator) {
  const { comparisons } = catalogue.table;
  if (!comparisons.length) return null;
  const found = await Promise.all(comparisons.map((_, at) => need(`comparison_${at + 1}`)));
  const steps = found.map((one, at) => stepOf(operator, one, at + 1)).filter(Boolean).reverse();
  const span = `${comparisons[0][0]} to ${comparisons[comparisons.length - 1][1]}`;
  if (!steps.length) return section("History", el("p", {}, `Nothing changed from ${span}.`));
  return section("History", steps);
}

function stepOf(operator, found, number) {
  const [before, after] = catalogue.table.comparisons[number - 1];
  const name = operator.name;
  const added = found.added.find((one) => one.name === name);
  const renamed = found.renamed.find((one) => one.after === name);
  const changed = found.changed.find((one) => one.name === name);
  const spread = found.widespread.filter((one) => one.functions.includes(name));
  if (!added && !renamed && !changed && !spread.length) return null;
  return el(
    "section",
    { class: "change" },
    el("h3", {}, el("a", { href: `#compare/${number}` }, `${before} → ${after}`), added ? " added" : renamed ? ` renamed from ${renamed.before}` : ""),
    spread.length ? el("ul", {}, spread.map((one) => el("li", {}, `${one.what}: `, edit(one), el("span", { class: "dim" }, ` as in ${plural(one.functions.length, "function")}`)))) : null,
    added ? null : changesList((renamed || changed || { changes: [] }).changes)
  );
}
