// The functions, and which of them a query means.

const catalogue = { table: null, operators: [], byName: new Map(), byBase: new Map(), commonTags: new Set() };

// Makes an object of each function, from the columns of the table.
function fillCatalogue(table) {
  catalogue.table = table;
  const sets = table.tag_sets.map((numbers) => numbers.map((number) => table.tags[number][0]));
  const keySets = table.key_sets.map((numbers) => numbers.map((number) => table.keys[number][0]));
  catalogue.operators = table.schema.map((schema, at) => {
    const overload = schema.slice(0, schema.indexOf("("));
    const space = table.namespace[at];
    const base = overload.split(".")[0];
    const kind = table.kinds[table.kind[at]];
    return {
      at,
      schema,
      overload,
      base,
      name: space ? `${space}::${overload}` : overload,
      kind,
      module: table.modules[table.module[at]],
      flags: table.flags[at],
      nodes: table.nodes[at] ? table.nodes[at].split(" ") : [],
      tags: sets[table.tag[at]],
      keys: keySets[table.key[at]],
      saved: table.saved[at] ? table.saved[at].split(" ") : [],
      words: table.words[at],
      source: table.source[at],
      family: table.family[at],
      chunk: table.chunk[at],
      warned: table.warned[at] || "",
      changes: table.changes[at] || 0,
      cpp: kind === "out" ? `at::${base}_out at::${base}_outf` : `at::${base}`,
    };
  });
  for (const operator of catalogue.operators) {
    catalogue.byName.set(operator.name, operator);
    operator.lower = operator.name.toLowerCase();
    operator.fields = fieldsOf(operator);
    operator.text = Object.values(operator.fields).join(" ");
    const others = catalogue.byBase.get(operator.base);
    if (!others) catalogue.byBase.set(operator.base, operator);
  }
  findCommonTags();
}

// The tags that nearly all functions have: beside each function they would say nothing.
function findCommonTags() {
  const counts = new Map();
  for (const operator of catalogue.operators) for (const tag of operator.tags) count(counts, tag);
  for (const [tag, number] of counts) if (number > catalogue.operators.length * 0.8) catalogue.commonTags.add(tag);
}

// What each word of a search that says where it looks is compared with.
function fieldsOf(operator) {
  const texts = {
    name: operator.name,
    cpp: operator.cpp,
    node: operator.nodes.join(" "),
    tag: operator.tags.join(" "),
    key: operator.keys.join(" "),
    saved: operator.saved.join(" ").replaceAll("*", ""),
    uses: operator.words,
    warns: operator.warned,
  };
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, text ? ` ${text.toLowerCase()}` : ""])
  );
}

function termsOf(q) {
  return q.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const [, field, text] = /^(name|cpp|node|tag|key|saved|uses|warns):(.*)$/.exec(word) || [];
    return field ? { field, text: ["uses", "saved", "key"].includes(field) ? ` ${text}` : text } : { field: "", text: word };
  });
}

// The functions that a query means, in its order, and how many of these each filter would leave.
function find(query) {
  const terms = termsOf(query.q);
  const bits = query.is.map(bitOf);
  const found = [];
  const counts = { is: new Map(), kind: new Map(), module: new Map(), tag: new Map(), key: new Map() };
  for (const operator of catalogue.operators) {
    if (!terms.every((term) => (term.field ? operator.fields[term.field] : operator.text).includes(term.text))) continue;
    if (!bits.every((passes) => passes(operator))) continue;
    if (!query.tag.every((tag) => operator.tags.includes(tag))) continue;
    if (!query.key.every((key) => operator.keys.includes(key))) continue;
    const isKind = !query.kind.length || query.kind.includes(operator.kind);
    const isModule = !query.module.length || query.module.includes(operator.module);
    // Of these, several may be chosen: each counts what it would add.
    if (isModule) count(counts.kind, operator.kind);
    if (isKind) count(counts.module, operator.module);
    if (isKind && isModule) found.push(operator);
  }
  for (const operator of found) {
    for (const tag of operator.tags) count(counts.tag, tag);
    for (const key of operator.keys) count(counts.key, key);
  }
  for (const name of [...catalogue.table.flag_names, "changed"]) {
    counts.is.set(name, found.filter(bitOf(name)).length);
  }
  return { found: sorted(found, query, terms), counts };
}

function count(counts, value) {
  counts.set(value, (counts.get(value) || 0) + 1);
}

// Whether a function passes a filter without a value, as `derivload list` has them.
function bitOf(name) {
  if (name === "changed") return (operator) => operator.changes > 0;
  const at = catalogue.table.flag_names.indexOf(name);
  return at < 0 ? () => false : (operator) => (operator.flags >> at) & 1;
}

const hasFlag = (operator, name) => Boolean(bitOf(name)(operator));

const SORTS = {
  name: (operator) => operator.lower,
  derivative: (operator) => operator.nodes.join(" ") || `~${derivativeText(operator)}`,
  forward: (operator) => (hasFlag(operator, "forward") ? 0 : operator.nodes.length ? 1 : 2),
  saves: (operator) => -operator.saved.length,
  kernels: (operator) => -operator.keys.length,
  changes: (operator) => -operator.changes,
};

function sorted(found, query, terms) {
  if (query.sort in SORTS) {
    const values = new Map(found.map((operator) => [operator, SORTS[query.sort](operator)]));
    const sign = query.down ? -1 : 1;
    return found.sort((a, b) => {
      const [x, y] = [values.get(a), values.get(b)];
      return x < y ? -sign : x > y ? sign : a.at - b.at;
    });
  }
  const first = terms.find((term) => !term.field || term.field === "name");
  if (!first) return found;
  // The nearest to what was typed: the name itself, its beginning, a part of it, all else.
  const ranks = [[], [], [], []];
  for (const operator of found) {
    const { lower } = operator;
    const isName = lower === first.text || operator.base.toLowerCase() === first.text;
    ranks[isName ? 0 : lower.startsWith(first.text) ? 1 : lower.includes(first.text) ? 2 : 3].push(operator);
  }
  return ranks.flat();
}

// What is most worth knowing of a function's derivative, in a word or two.
function derivativeText(operator) {
  if (operator.kind === "out") return "out variant";
  return hasFlag(operator, "composite") ? "composite" : "none";
}
