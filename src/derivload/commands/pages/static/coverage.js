// How much autograd covers, by namespace and tag, over the releases.

const SUPPORTS = [
  ["both", "backward and forward"],
  ["backward", "backward alone"],
  ["composite", "composite"],
  ["none", "no derivative"],
];

async function coveragePage() {
  const releases = await need("coverage");
  const groupsOf = (of) => {
    const names = new Set(releases.flatMap((release) => release.groups.filter((group) => group.of === of).map((group) => group.name)));
    const last = releases[releases.length - 1];
    const size = (name) => totalOf(last.groups.find((group) => group.of === of && group.name === name));
    return [...names].sort((a, b) => size(b) - size(a) || (a < b ? -1 : 1));
  };
  return el(
    "article",
    { class: "coverage" },
    el("h1", { tabindex: "-1" }, "Coverage"),
    el("p", {}, "How many functions autograd can differentiate. Out variants are left out: they are never differentiable."),
    legend(),
    coverageSection("All functions", releases, "all", groupsOf("all")),
    coverageSection("By namespace", releases, "namespace", groupsOf("namespace")),
    coverageSection("By tag", releases, "tag", groupsOf("tag"))
  );
}

const totalOf = (group) => (group ? SUPPORTS.reduce((sum, [name]) => sum + group[name], 0) : 0);

function legend() {
  return el("ul", { class: "legend" }, SUPPORTS.map(([name, label]) => el("li", {}, el("span", { class: `swatch ${name}` }), label)));
}

function coverageSection(title, releases, of, names) {
  const rows = names.flatMap((name) => releases.map((release, at) => ({ name: at ? "" : name || "all", release: release.name, group: release.groups.find((group) => group.of === of && group.name === name) })));
  return section(title, bars(rows, releases.length, title), figures(rows, title, releases.length > 1));
}

// A bar for each row, of parts of the whole.
function bars(rows, each, title) {
  const [left, width, height] = [230, 480, 16];
  const y = (at) => at * (height + 4) + Math.floor(at / each) * (each > 1 ? 12 : 4);
  const drawn = rows.map(({ name, release, group }, at) => {
    const total = totalOf(group);
    let x = left + (each > 1 ? 60 : 0);
    const parts = SUPPORTS.map(([support, label]) => {
      const part = total ? (group[support] / total) * width : 0;
      const rect = part ? svg("rect", { x, y: y(at), width: Math.max(part - 1, 0.5), height, class: support }, svg("title", {}, `${group[support]} ${label}`)) : null;
      x += part;
      return rect;
    });
    return [
      svg("text", { x: 0, y: y(at) + 12 }, shortened(name, 30)),
      each > 1 ? svg("text", { x: left, y: y(at) + 12, class: "second" }, shortened(release, 7)) : null,
      parts,
      svg("text", { x: left + (each > 1 ? 60 : 0) + width + 8, y: y(at) + 12, class: "second" }, total ? String(total) : "–"),
    ];
  });
  const [w, h] = [left + width + 120, y(rows.length - 1) + height + 2];
  const drawing = svg("svg", { viewBox: `0 0 ${w} ${h}`, width: w, height: h, role: "img", "aria-label": `${title}, as bars; the figures are below`, class: "bars" }, drawn);
  return el("div", { class: "picture", tabindex: "0", role: "group", "aria-label": title }, drawing);
}

function figures(rows, title, hasReleases) {
  let name = "";
  const lines = rows.map((row) => {
    name = row.name || name;
    const heads = [el("th", { scope: "row" }, name), hasReleases ? el("td", {}, row.release) : null];
    return el("tr", {}, heads, SUPPORTS.map(([support]) => el("td", { class: "number" }, row.group ? String(row.group[support]) : "–")));
  });
  return el(
    "details",
    {},
    el("summary", {}, "Figures"),
    el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${title}: figures` }, el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, title), hasReleases ? el("th", { scope: "col" }, "Release") : null, SUPPORTS.map(([, label]) => el("th", { scope: "col" }, label)))), el("tbody", {}, lines)))
  );
}
