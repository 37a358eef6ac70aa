// The family of an operator: who declares it, what is made of it, who shares its formulas.

const MOST_DRAWN = 60;

function relativesOf(operator) {
  return catalogue.operators.filter((one) => one.family === operator.family);
}

// Whether an operator is generated from another one, which is declared.
const isGenerated = (operator, fact) => Boolean(fact.declared) && fact.declared !== operator.name;

// `facts` are those of the family, by schema; `places` say who was generated.
function familyPicture(operator, members, facts) {
  const generated = (one) => isGenerated(one, facts.get(one.schema) || {});
  const declared = members.filter((one) => !generated(one));
  const isForeach = (one) => one.base.startsWith("_foreach_");
  const box = (one) => ({
    id: one.name,
    lines: [one.name, aboutMember(one)],
    kind: one === operator ? "self" : one.kind === "out" ? "written" : "member",
    href: hashOfOperator(one.name),
  });
  const isOf = (kinds) => (one) => kinds.includes(one.kind) && !isForeach(one);
  const columns = [
    declared.filter(isOf(["functional"])),
    declared.filter(isOf(["inplace", "mutable", "scratch"])),
    declared.filter(isOf(["out"])),
    [...members.filter((one) => generated(one) && !isForeach(one)), ...declared.filter(isForeach)],
    members.filter((one) => generated(one) && isForeach(one)),
  ];
  const edges = members.flatMap((one) => edgesOf(one, facts));
  return drawColumns(columns.map((column) => column.map(box)), edges, `The family of ${operator.name}: ${plural(members.length, "function")}`);
}

function aboutMember(one) {
  if (one.base.startsWith("_foreach_")) return `foreach, ${one.kind}`;
  if (/_copy(\.|$)/.test(one.overload)) return `copy of a view, ${one.kind}`;
  return one.kind;
}

function edgesOf(one, facts) {
  const fact = facts.get(one.schema) || {};
  const edges = [];
  if (fact.structured_delegate) edges.push([one.name, fact.structured_delegate, "delegates"]);
  if (isGenerated(one, fact)) edges.push([fact.declared, one.name, "generated"]);
  if (one.kind === "out") return edges;
  const source = one.source >= 0 ? catalogue.operators[one.source] : null;
  if (source && source !== one && fact.declared === one.name) edges.push([source.name, one.name, "shares formulas"]);
  const definer = fact.defined && catalogue.byName.get(fact.defined);
  if (definer && definer !== one && definer !== source && definer.family === one.family) edges.push([definer.name, one.name, "shares formulas"]);
  return edges;
}
