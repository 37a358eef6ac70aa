// Formulas: every identifier is a link, and says what it is.

const TOKEN = /("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|((?:\.|->|::)\s*)([A-Za-z_]\w*)(\s*\()?|(\b\d[\w.]*)|([A-Za-z_]\w*)(\s*\()?(?=(\s*::)?)/g;
const KEYWORDS = new Set(
  "auto bool const double float if int int64_t return std at c10 true false nullptr static_cast nullopt optional else for while".split(" ")
);

// What a formula may name: those of `schema`, with the named gradients.
function namesOf(schema, gradients = []) {
  const read = readSchema(schema);
  return { arguments: read.arguments, outputs: read.returns, gradients };
}

// The elements of a formula, and the meanings of its names, by name.
function formulaOf(formula, names) {
  const meanings = new Map();
  const parts = [];
  let end = 0;
  for (const found of formula.matchAll(TOKEN)) {
    parts.push(formula.slice(end, found.index));
    end = found.index + found[0].length;
    parts.push(...partOf(found, names, meanings, formula.slice(end)));
  }
  parts.push(formula.slice(end));
  return { code: el("code", { class: "formula" }, parts), meanings };
}

function partOf(found, names, meanings, behind) {
  const [whole, text, access, member, memberCall, number, name, call, scope] = found;
  if (text) return [el("span", { class: "text" }, whole)];
  if (number) return [whole];
  if (member) {
    const link = operatorLink(member, memberCall && !access.startsWith("->"));
    return [access, link || member, memberCall || ""];
  }
  const tail = call || "";
  if (KEYWORDS.has(name) || scope) return [name, tail];
  const meaning = meaningOf(name, names, Boolean(call), behind);
  if (!meaning) return [name, tail];
  meanings.set(name, meaning);
  return [el("a", { href: meaning.href, title: meaning.text, class: meaning.kind }, name), tail];
}

// A link to the operator that `.sum(` or `at::sum(` calls, if there is one.
function operatorLink(base, isCall) {
  const operator = isCall ? catalogue.byBase.get(base.replace(/^sym_(sizes?|strides?|numel)$/, "\0")) : null;
  return operator ? el("a", { href: hashOfOperator(operator.name), title: `the operator ${base}`, class: "operator" }, base) : null;
}

function meaningOf(name, names, isCall, behind) {
  const argument = names.arguments.find((one) => one.name === name);
  if (argument) return meaning("argument", `argument ${name}: ${argument.type}, ${explainType(argument.type)}`, hashOfSearch(`uses:${name}`), name);
  const output = names.outputs.find((one) => one.name === name);
  if (output) return meaning("output", `output ${name}: ${output.type}`, hashOfSearch(`uses:${name}`), name);
  const made = derivedMeaning(name, names, behind) || catalogue.table.meanings[name];
  const uses = hashOfSearch(`uses:${name}`);
  if (made) return meaning("made", made, uses);
  if (isCall) {
    const own = catalogue.byBase.get(name);
    if (own) return meaning("operator", `the operator ${name}`, hashOfOperator(own.name));
    return meaning("helper", `a function of C++; the link finds all formulas that use it`, uses);
  }
  return meaning("unknown", "a name of C++; the link finds all formulas that use it", uses);
}

function meaning(kind, text, href, anchor = "") {
  return { kind, text, href, anchor };
}

// What a name is that is made of that of an argument or output.
function derivedMeaning(name, names, behind) {
  const [, stem, mark] = /^(.*)_([pt])$/.exec(name) || [];
  if (stem && names.arguments.some((one) => one.name === stem)) {
    return mark === "p" ? `the primal of argument ${stem}` : `the tangent of argument ${stem}`;
  }
  const [, whole] = /^(.*)_t_raw$/.exec(name) || [];
  if (whole && names.arguments.some((one) => one.name === whole)) return `the tangent of argument ${whole}, which may be undefined`;
  if (name === "grad" || name === "grads") {
    const at = Number((/^\[(\d+)\]/.exec(behind) || [])[1] || 0);
    const output = names.outputs[at];
    if (name === "grads" && !/^\[\d+\]/.test(behind)) return "the gradients of all outputs";
    return output ? `the gradient of output ${output.name}` : "a gradient of an output";
  }
  if (name.startsWith("grad_") && (names.gradients.includes(name) || names.outputs.some((one) => one.name === name.slice(5)))) {
    return `the gradient of output ${name.slice(5)}`;
  }
  return "";
}

// The names of formulas with what they are, once each, for those who have no pointer to hover with.
function glossary(meanings) {
  const found = [...meanings].filter(([, one]) => one.kind !== "unknown");
  if (!found.length) return null;
  return el(
    "details",
    { class: "glossary" },
    el("summary", {}, "Names in these formulas"),
    el("dl", {}, found.map(([name, one]) => [el("dt", {}, el("code", {}, name)), el("dd", {}, one.text)]))
  );
}
