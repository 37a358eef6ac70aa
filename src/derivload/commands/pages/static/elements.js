// Makes elements. A text becomes a text node, never markup: nothing here, or anywhere, takes HTML.

const SVG = "http://www.w3.org/2000/svg";

// An element with attributes and children. A child is a text, an element, a list of these, or null.
function el(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    // Texts of the inputs become part of addresses: none may lead out of the page.
    if (name === "href" && !String(value).startsWith("#")) throw new Error(`no address: ${value}`);
    if (name === "onclick") element.addEventListener("click", value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === "") continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child);
  }
}

// A table in a box that scrolls where it is too wide, with what stands below it there.
function scrolled(label, heads, rows, ...below) {
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": label },
    el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)),
    below
  );
}

const byId = (id) => document.getElementById(id);

// Elements with a text between each two of them.
function joined(elements, between = ", ") {
  return elements.flatMap((element, at) => (at ? [between, element] : [element]));
}

// A name that may go on in the next line behind `_` and `.`, and before "Backward".
function breakable(name) {
  return name.split(/(?<=[_.])(?=\w)|(?=Backward)/).flatMap((part, at) => (at ? [el("wbr"), part] : [part]));
}

function plural(count, one, several = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : several}`;
}
