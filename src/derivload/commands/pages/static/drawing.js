// Boxes with lines between them, as SVG. Columns go from left to right, rows from top to bottom.

const CHARACTER = 7.3;
const LINE = 17;
const PAD = 8;
const GAP = 14;
const BETWEEN = 64;

// A picture of columns of boxes. A box is { id, lines, kind, href }; an edge [from, to, label].
// `label` says what the picture shows to who does not see it.
function drawColumns(columns, edges, label) {
  const filledColumns = columns.filter((column) => column.length);
  const placed = new Map();
  let x = 1;
  for (const column of filledColumns) {
    const width = Math.max(...column.map(widthOf));
    let y = 1;
    for (const box of column) {
      const height = box.lines.length * LINE + PAD * 2 - 4;
      placed.set(box.id, { box, x, y, width, height });
      y += height + GAP;
    }
    x += width + BETWEEN;
  }
  const ends = [...placed.values()];
  const total = { width: Math.max(...ends.map((one) => one.x + one.width)) + 1, height: Math.max(...ends.map((one) => one.y + one.height)) + 1 };
  centre(filledColumns, placed, total.height);
  const drawing = svg(
    "svg",
    {
      viewBox: `0 0 ${total.width} ${total.height}`,
      width: total.width,
      height: total.height,
      // What is an image has no links for who does not see it.
      role: ends.some(({ box }) => box.href) ? "group" : "img",
      "aria-label": label,
      class: "drawing",
    },
    edges.map(([from, to, text]) => edgeOf(placed.get(from), placed.get(to), text)),
    ends.map(boxOf)
  );
  return el("div", { class: "picture", tabindex: "0", role: "group", "aria-label": label }, drawing);
}

const widthOf = (box) => Math.max(...box.lines.map((line) => line.length)) * CHARACTER + PAD * 2;

function centre(columns, placed, height) {
  for (const column of columns) {
    const last = placed.get(column[column.length - 1].id);
    const down = (height - last.y - last.height - 1) / 2;
    for (const box of column) placed.get(box.id).y += down;
  }
}

function boxOf({ box, x, y, width, height }) {
  const texts = box.lines.map((line, at) =>
    svg("text", { x: x + PAD, y: y + PAD + 9 + at * LINE, class: at ? "second" : "" }, line)
  );
  const group = svg("g", { class: `box ${box.kind}` }, svg("rect", { x, y, width, height, rx: 6 }), texts);
  if (box.about) group.prepend(svg("title", {}, box.about));
  return box.href ? svg("a", { href: box.href }, group) : group;
}

function edgeOf(from, to, text) {
  if (!from || !to || from === to) return null;
  const isForward = from.x <= to.x;
  const [x1, y1] = [isForward ? from.x + from.width : from.x, from.y + from.height / 2];
  const [x2, y2] = [isForward && from.x !== to.x ? to.x : to.x + to.width, to.y + to.height / 2];
  const bend = from.x === to.x ? 40 : (x2 - x1) / 2;
  const path = `M${x1},${y1} C${x1 + bend},${y1} ${from.x === to.x ? x2 + bend : x2 - bend},${y2} ${x2},${y2}`;
  return svg("path", { d: path, class: `edge ${text || ""}` }, text ? svg("title", {}, text) : null);
}

// A text that is not longer than so many characters.
function shortened(text, length = 40) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
