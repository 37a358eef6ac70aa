// What a node saves: from arguments, through what is saved, to gradients.

function savedPicture(info, names) {
  const saved = [...info.all_saved_inputs, ...info.all_saved_outputs];
  const outputs = new Set(info.all_saved_outputs.map((one) => one.name));
  const gradients = info.derivatives.map((derivative) => `gradient ${derivative.var_names.join(", ")}`);
  const used = (one) => [...names.arguments, ...names.outputs].filter((argument) => mentions(one.expr, argument.name));
  const sources = [...new Set(saved.flatMap((one) => used(one).map((argument) => argument.name)))];
  const incoming = info.derivatives.some(usesGradient) ? ["grad"] : [];
  const typeOf = (name) => [...names.arguments, ...names.outputs].find((one) => one.name === name).type;
  const isOutput = (name) => names.outputs.some((one) => one.name === name) && !names.arguments.some((one) => one.name === name);
  const columns = [
    sources.map((name) => ({ id: `a ${name}`, lines: [name, isOutput(name) ? `output, ${typeOf(name)}` : typeOf(name)], kind: isOutput(name) ? "output" : "argument" })),
    [
      ...incoming.map(() => ({ id: "grad", lines: ["grad", "comes to the node"], kind: "gradient" })),
      ...saved.map((one) => ({ id: `s ${one.name}`, lines: [one.name, shortened(one.type.replace(/(::)?\b(at|c10|std)::/g, ""))], kind: isWhole(one) ? "saved whole" : "saved", about: one.expr })),
    ],
    gradients.map((text, at) => ({ id: `g ${at}`, lines: [text, shortened(info.derivatives[at].original_formula, 46)], kind: "result", about: info.derivatives[at].original_formula })),
  ];
  const edges = [
    ...saved.flatMap((one) => used(one).map((argument) => [`a ${argument.name}`, `s ${one.name}`])),
    ...info.derivatives.flatMap((derivative, at) => [
      ...[...derivative.saved_inputs, ...derivative.saved_outputs].map((one) => [`s ${one.name}`, `g ${at}`]),
      ...(usesGradient(derivative) ? [["grad", `g ${at}`]] : []),
    ]),
  ];
  const told = saved.length ? `saves ${saved.map((one) => one.name + (outputs.has(one.name) ? ", an output" : "")).join("; ")}` : "saves nothing";
  return drawColumns(columns, edges, `${info.op || "The node"} ${told}, for ${plural(gradients.length, "gradient")}`);
}

const usesGradient = (derivative) => /\bgrads?\b|\bgrad_/.test(derivative.original_formula);

function mentions(expression, name) {
  return expression.split(/\W+/).includes(name);
}

const isWhole = (saved) => /\bat::(Tensor|TensorList|ITensorListRef)\b/.test(saved.type);
