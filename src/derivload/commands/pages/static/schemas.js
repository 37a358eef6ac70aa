// The schema language: a schema in parts, and what its types mean.

const BASE_TYPES = {
  Tensor: "a tensor",
  int: "a whole number",
  SymInt: "a whole number, which may be symbolic while a graph is traced",
  float: "a number with a fraction",
  SymFloat: "a number with a fraction, which may be symbolic",
  bool: "true or false",
  SymBool: "true or false, which may be symbolic",
  Scalar: "a number of any type",
  str: "a text",
  ScalarType: "the type of elements, such as torch.float",
  Layout: "how a tensor is laid out, such as torch.strided",
  Device: "a device, such as “cuda:0”",
  DeviceIndex: "the number of a device",
  MemoryFormat: "in which order elements are in memory",
  Generator: "a generator of random numbers",
  Dimname: "the name of a dimension",
  DimVector: "sizes of dimensions",
  QScheme: "how a tensor is quantized",
  Storage: "the memory of a tensor",
  Stream: "a stream of a device",
  ConstQuantizerPtr: "how a tensor is quantized",
};

// A schema as { name, arguments, returns }; each argument with type, name, default, isKeyword.
function readSchema(schema) {
  const open = schema.indexOf("(");
  const close = closing(schema, open);
  let isKeyword = false;
  const args = [];
  for (const part of splitTop(schema.slice(open + 1, close))) {
    if (part === "*") isKeyword = true;
    else args.push({ ...readArgument(part), isKeyword });
  }
  return { name: schema.slice(0, open), arguments: args, returns: readReturns(schema.slice(close + 1)) };
}

function readReturns(text) {
  const returns = text.replace(/^\s*->\s*/, "");
  if (returns === "()" || returns === "") return [];
  const parts = returns.startsWith("(") ? splitTop(returns.slice(1, -1)) : [returns];
  return parts.map((part, at) => {
    const { type, name } = readArgument(part);
    return { type, name: name || (parts.length === 1 ? "result" : `result${at}`), isNamed: Boolean(name) };
  });
}

function readArgument(text) {
  const equals = topLevel(text, "=")[0] ?? text.length;
  const head = text.slice(0, equals);
  const space = topLevel(head, " ").pop();
  const fallback = equals < text.length ? text.slice(equals + 1) : null;
  if (space === undefined) return { type: head, name: "", fallback };
  return { type: head.slice(0, space), name: head.slice(space + 1), fallback };
}

function closing(text, open) {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "(") depth++;
    if (text[at] === ")" && --depth === 0) return at;
  }
  return text.length;
}

// Where a character is outside of brackets and quotes.
function topLevel(text, wanted) {
  const found = [];
  let depth = 0;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (quote) {
      if (one === "\\") at++;
      else if (one === quote) quote = "";
    } else if (one === '"' || one === "'") quote = one;
    else if ("([".includes(one)) depth++;
    else if (")]".includes(one)) depth--;
    else if (one === wanted && depth === 0) found.push(at);
  }
  return found;
}

function splitTop(text) {
  const ends = [...topLevel(text, ","), text.length];
  return ends.map((end, at) => text.slice(at ? ends[at - 1] + 1 : 0, end).trim()).filter(Boolean);
}

// What a type means, in words.
function explainType(type) {
  const [, base, annotation, rest] = /^(\w+)(?:\(([^)]*)\))?(.*)$/.exec(type) || [null, type, "", ""];
  const said = [BASE_TYPES[base] || `a ${base}`];
  const suffixes = (rest || "").match(/\[\d*\]|\?/g) || [];
  let text = said[0];
  for (const suffix of suffixes) {
    if (suffix === "?") text += ", or None";
    else if (suffix === "[]") text = `a list; each is ${text}`;
    else text = `a list of ${suffix.slice(1, -1)}, for which one value may stand; each is ${text}`;
  }
  if (annotation && annotation.includes("!")) text += "; it is written to";
  else if (annotation && annotation.includes("->")) text += "; outputs may view it";
  else if (annotation) text += "; what has the same letter shares its memory";
  return text;
}

// The first line of a page: the schema, with every type and argument explained.
function schemaLine(schema) {
  const read = readSchema(schema);
  const type = (text) => el("abbr", { class: "type", title: explainType(text) }, text);
  const parts = [];
  let hasStar = false;
  for (const argument of read.arguments) {
    if (argument.isKeyword && !hasStar) {
      parts.push(el("abbr", { title: "arguments from here on are given by name" }, "*"));
      hasStar = true;
    }
    const fallback = argument.fallback === null ? "" : `=${argument.fallback}`;
    parts.push(el("span", { class: "nowrap" }, type(argument.type), " ", el("b", {}, argument.name), fallback));
  }
  const returns = read.returns.map((one) => [type(one.type), one.isNamed ? [" ", el("b", {}, one.name)] : ""]);
  const after = read.returns.length === 1 && !read.returns[0].isNamed ? returns : ["(", joined(returns), ")"];
  return el("p", { class: "schema-line" }, el("b", { class: "name" }, read.name), "(", joined(parts), ") → ", after);
}
