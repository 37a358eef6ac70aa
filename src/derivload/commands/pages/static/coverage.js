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

// A bar for each row, of parts of the whole. On a phone, names stand above their bars.
function bars(rows, each, title) {
  const isNarrow = matchMedia("(max-width: 46rem)").matches;
  const height = 16;
  const release = each > 1 ? (isNarrow ? 46 : 60) : 0;
  const left = (isNarrow ? 0 : 230) + release;
  const width = isNarrow ? Math.min(innerWidth - 96 - release, 480) : 480;
  let y = 0;
  const drawn = rows.map((row, at) => {
    const isFirst = at % each === 0;
    y += at ? height + (isFirst && (each > 1 || isNarrow) ? 14 : 4) : 0;
    const nameAt = y + 12;
    if (isNarrow && isFirst) y += 20;
    return [
      svg("text", { x: 0, y: nameAt }, shortened(row.name, 30)),
      each > 1 ? svg("text", { x: left - release, y: y + 12, class: "second" }, shortened(row.release, 7)) : null,
      barOf(row.group, { left, y, width, height }),
      svg("text", { x: left + width + 8, y: y + 12, class: "second" }, String(totalOf(row.group) || "–")),
    ];
  });
  const [w, h] = [left + width + 44, y + height + 2];
  const drawing = svg("svg", { viewBox: `0 0 ${w} ${h}`, width: w, height: h, role: "img", "aria-label": `${title}, as bars; the figures are below`, class: "bars" }, drawn);
  return el("div", { class: "picture", tabindex: "0", role: "group", "aria-label": title }, drawing);
}

function barOf(group, { left, y, width, height }) {
  const total = totalOf(group);
  let x = left;
  return SUPPORTS.filter(([support]) => total && group[support]).map(([support, label]) => {
    const part = (group[support] / total) * width;
    x += part;
    return svg("rect", { x: x - part, y, width: Math.max(part - 1, 0.5), height, class: support }, svg("title", {}, `${group[support]} ${label}`));
  });
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
    scrolled(`${title}: figures`, [title, ...(hasReleases ? ["Release"] : []), ...SUPPORTS.map(([, label]) => label)], lines)
  );
}
