// The page of an operator.

async function operatorPage(name) {
  const operator = catalogue.byName.get(name) || catalogue.byBase.get(name);
  if (!operator) return missingPage(name);
  const members = relativesOf(operator);
  const source = operator.source >= 0 ? catalogue.operators[operator.source] : operator;
  const chunks = [...new Set([operator, source, ...members].map((one) => one.chunk))];
  const [places, ...records] = await Promise.all([need("places"), ...chunks.map((chunk) => need(`operators_${chunk}`))]);
  const known = {
    operator,
    members,
    places,
    record: find1(records, "functions", operator.schema),
    fact: find1(records, "facts", operator.schema) || {},
    facts: new Map(records.flatMap((one) => one.facts).map((fact) => [fact.schema, fact])),
    dispatch: operator.source < 0 ? {} : (find1(records, "definitions", operator.schema) || find1(records, "definitions", source.schema) || { dispatch: {} }).dispatch,
    source,
  };
  const history = await historySection(operator);
  return el(
    "article",
    { class: "operator" },
    el("p", { class: "back" }, el("a", { href: "#", "data-back": "" }, "← all operators")),
    el("h1", { tabindex: "-1" }, operator.name),
    schemaLine(operator.schema),
    badges(known),
    warningsSection(known),
    derivativeSections(known),
    argumentsSection(known),
    familySection(known),
    kernelsSection(known),
    tagsSection(known),
    history,
    placesSection(known)
  );
}

const find1 = (records, kind, schema) => records.flatMap((one) => one[kind]).find((one) => one.schema === schema);

function missingPage(name) {
  const near = catalogue.operators.filter((one) => one.name.includes(name.split(".")[0])).slice(0, 12);
  return el(
    "article",
    {},
    el("h1", { tabindex: "-1" }, "There is no operator ", el("code", {}, name)),
    near.length ? el("p", {}, "Did you mean ", joined(near.map(linkTo)), "?") : null,
    el("p", {}, el("a", { href: "#" }, "All operators"))
  );
}

const linkTo = (operator) => el("a", { href: hashOfOperator(operator.name) }, el("code", {}, operator.name));

function section(title, ...children) {
  const filled = children.flat(3).filter(Boolean);
  return filled.length ? el("section", { class: "part" }, el("h2", {}, title), filled) : null;
}

function badges({ operator, record, fact }) {
  const said = [[operator.kind, ""]];
  for (const variant of record.variants) said.push([variant === "method" ? "method of Tensor" : "function", ""]);
  if (record.python_module) said.push([`torch.${record.python_module}`, "in Python"]);
  if (record.structured) said.push(["structured", "it has a meta function of its own"]);
  if (fact.structured_delegate) said.push([`delegates to ${fact.structured_delegate}`, ""]);
  if (hasFlag(operator, "composite")) said.push(["composite", "autograd differentiates what it calls"]);
  if (isGenerated(operator, fact)) said.push([`generated from ${fact.declared}`, ""]);
  if (hasFlag(operator, "from-overlay")) said.push(["from an overlay", ""]);
  return el("ul", { class: "badges", "aria-label": "Traits" }, said.map(([text, title]) => el("li", { title: title || null }, text)));
}

function warningsSection({ operator, places }) {
  const found = places.warnings[operator.name] || [];
  if (!found.length) return null;
  const items = found.map((one) =>
    el("li", {}, el("code", {}, one.code), " ", one.message, el("br"), el("span", { class: "dim" }, `${one.help} (${one.file}:${one.line})`))
  );
  return section("Warnings", el("ul", { class: "warnings" }, items));
}

// The formulas and what is saved, for each dispatch key.
function derivativeSections(known) {
  const { operator, dispatch, record } = known;
  const keys = Object.entries(dispatch);
  if (!keys.length || !operator.nodes.length) return section("Derivative", el("p", {}, whyNone(known)));
  return keys.map(([key, info]) => {
    const names = namesOf(known.source.schema, info.available_named_gradients);
    const suffix = keys.length > 1 || key !== "Default" ? ` for ${key}` : "";
    const forward = (record.forward_derivatives || {})[key] || [];
    const meanings = new Map();
    return [
      backwardSection(known, info, names, meanings, suffix),
      forwardSection(forward, names, meanings, suffix),
      section(`What is saved${suffix}`, savedTable(info), info.derivatives.length ? savedPicture(info, names) : null),
    ];
  });
}

function whyNone({ operator, fact }) {
  if (operator.kind === "out") return "None: out variants are never differentiable.";
  if (hasFlag(operator, "composite")) return "None of its own: it is composite, and autograd differentiates the functions that it calls.";
  if (isGenerated(operator, fact)) return `None: it is generated from ${fact.declared}, which has none.`;
  return "None: derivatives.yaml has no formula for it.";
}

function backwardSection(known, info, names, meanings, suffix) {
  const { operator, source } = known;
  const shares = catalogue.operators.filter((one) => one.source === operator.source && one !== operator && one !== source);
  const rows = info.derivatives.map((derivative) => {
    const { code, meanings: found } = formulaOf(derivative.original_formula, names);
    found.forEach((one, name) => meanings.set(name, one));
    return [joined(derivative.var_names.map((one) => el("code", {}, one))), code];
  });
  const without = info.non_differentiable_arg_names.map((one) => [el("code", {}, one), el("span", { class: "dim" }, "not differentiable")]);
  return section(
    `Backward${suffix}`,
    el(
      "p",
      {},
      info.op ? ["The node is ", el("code", {}, info.op), ". "] : null,
      source !== operator ? ["The formulas are those of ", linkTo(source), ". "] : null,
      shares.length ? ["They serve ", joined(shares.map(linkTo)), " too."] : null
    ),
    el("table", { class: "formulas" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Gradient of"), el("th", { scope: "col" }, "Formula"))), el("tbody", {}, [...rows, ...without].map(pairRow))),
    outputsOf(info, names),
    glossary(meanings)
  );
}

const pairRow = ([head, cell]) => el("tr", {}, el("th", { scope: "row" }, head), el("td", {}, cell));

function outputsOf(info, names) {
  if (!info.output_differentiability) return null;
  const nameAt = (at) => el("code", {}, names.outputs[at] ? names.outputs[at].name : String(at));
  const those = (is) => info.output_differentiability.flatMap((one, at) => (one === is ? [nameAt(at)] : []));
  const [yes, no] = [those(true), those(false)];
  const conditions = info.output_differentiability_conditions;
  return el(
    "p",
    {},
    yes.length ? ["Differentiable outputs: ", joined(yes), conditions ? [" if ", el("code", {}, conditions.join(" and "))] : null, ". "] : null,
    no.length ? ["Not differentiable: ", joined(no), "."] : null
  );
}

function forwardSection(forward, names, meanings, suffix) {
  if (!forward.length) return section(`Forward${suffix}`, el("p", {}, "There is no forward formula."));
  const own = new Map();
  const rows = forward.map((one) => {
    const { code, meanings: found } = formulaOf(one.formula, names);
    found.forEach((is, name) => own.set(name, is));
    const needs = [
      ...(one.required_inputs_fw_grad || []).map((name) => `tangent of ${name}`),
      ...(one.required_inputs_primal || []).map((name) => `primal of ${name}`),
      ...(one.required_original_self_value ? ["self before it is written to"] : []),
    ];
    return [joined(one.var_names.map((name) => el("code", {}, name))), [code, needs.length ? el("p", { class: "dim" }, `needs ${needs.join(", ")}`) : null, one.is_reusing_outplace_formula ? el("p", { class: "dim" }, "made from the formula of the functional variant") : null]];
  });
  return section(
    `Forward${suffix}`,
    el("table", { class: "formulas" }, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Tangent of"), el("th", { scope: "col" }, "Formula"))), el("tbody", {}, rows.map(pairRow))),
    glossary(new Map([...own].filter(([name]) => !meanings.has(name))))
  );
}

function savedTable(info) {
  const saved = [...info.all_saved_inputs, ...info.all_saved_outputs];
  if (!saved.length) return el("p", {}, "Nothing.");
  const outputs = new Set(info.all_saved_outputs.map((one) => one.name));
  const needs = (one) => info.derivatives.filter((derivative) => [...derivative.saved_inputs, ...derivative.saved_outputs].some((other) => other.name === one.name)).flatMap((derivative) => derivative.var_names);
  const heads = ["Saved", "C++ type", "Value", "Needed for the gradient of"];
  return scrolled(
    "What is saved",
    heads,
    saved.map((one) => el("tr", {}, el("th", { scope: "row" }, el("code", { class: isWhole(one) ? "whole" : "" }, one.name)), el("td", {}, el("code", {}, one.type)), el("td", {}, el("code", {}, one.expr), outputs.has(one.name) ? " an output" : ""), el("td", {}, joined(needs(one).map((name) => el("code", {}, name)))))),
    saved.some(isWhole) ? el("p", { class: "dim" }, el("code", { class: "whole" }, "Marked"), " are whole tensors: the node keeps them alive.") : null
  );
}

function argumentsSection({ operator }) {
  const read = readSchema(operator.schema);
  const heads = ["Argument", "Type", "What it is", "Default"];
  const rows = read.arguments.map((one) => [el("code", {}, one.name), el("code", {}, one.type), `${explainType(one.type)}${one.isKeyword ? "; given by name" : ""}`, one.fallback === null ? "" : el("code", {}, one.fallback)]);
  const returns = read.returns.map((one) => [el("code", {}, `→ ${one.name}`), el("code", {}, one.type), explainType(one.type), ""]);
  if (!rows.length && !returns.length) return null;
  return section(
    "Arguments and returns",
    scrolled("Arguments and returns", heads, [...rows, ...returns].map(([head, ...cells]) => el("tr", {}, el("th", { scope: "row" }, head), cells.map((cell) => el("td", {}, cell)))))
  );
}

function familySection({ operator, members, facts }) {
  if (members.length < 2) return null;
  return section(
    "Family",
    members.length <= MOST_DRAWN ? familyPicture(operator, members, facts) : null,
    members.length <= MOST_DRAWN ? el("p", { class: "legend dim" }, el("span", { class: "line delegates" }), " delegates to ", el("span", { class: "line generated" }), " generated from ", el("span", { class: "line shares" }), " shares formulas") : null,
    el("p", {}, joined(members.map((one) => (one === operator ? el("strong", {}, one.name) : linkTo(one)))))
  );
}

function kernelsSection({ operator, places }) {
  const meaning = new Map(catalogue.table.keys);
  const backends = places.kernels[operator.at] || [];
  if (!operator.keys.length) return null;
  return section(
    "Kernels",
    el("dl", { class: "list" }, operator.keys.map((key) => [el("dt", {}, el("a", { href: hashOf({ ...emptyQuery(), key: [key] }) }, el("code", {}, key))), el("dd", {}, meaning.get(key), backends.filter(([own]) => own === key).map(([, file, line]) => ` (${file}:${line})`))]))
  );
}

function tagsSection({ operator }) {
  const about = new Map(catalogue.table.tags);
  if (!operator.tags.length) return null;
  return section(
    "Tags",
    el("dl", { class: "list" }, operator.tags.map((tag) => [el("dt", {}, el("a", { href: hashOf({ ...emptyQuery(), tag: [tag] }) }, el("code", {}, tag))), el("dd", {}, about.get(tag))]))
  );
}

function placesSection({ operator, places, fact }) {
  const place = (found) => (found && found[0] ? el("code", {}, `${places.files[found[0]]}:${found[1]}`) : null);
  const native = place(places.native[operator.at]);
  const definition = place(places.definition[operator.at]);
  return section(
    "Where it stands",
    el("dl", { class: "list" }, native ? [el("dt", {}, isGenerated(operator, fact) ? `Generated from ${fact.declared}` : "Declared"), el("dd", {}, native)] : null, definition && operator.nodes.length ? [el("dt", {}, "Formulas"), el("dd", {}, definition)] : null)
  );
}
