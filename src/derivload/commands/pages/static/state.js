// The place in the pages, which is the address behind `#`: every state has one, and can be linked to.

const LISTS = ["is", "kind", "module", "tag", "key"];

// What a table is asked for.
function emptyQuery() {
  return { q: "", is: [], kind: [], module: [], tag: [], key: [], sort: "", down: false };
}

function readPlace(hash) {
  const text = hash.replace(/^#/, "");
  const [head, ...rest] = text.split("/");
  if (head === "op") return { page: "op", name: decoded(rest.join("/")) };
  if (head === "coverage") return { page: "coverage" };
  if (head === "compare") return { page: "compare", number: Number(rest[0]) || 1 };
  return { page: "table", query: readQuery(text.replace(/^\?/, "")) };
}

function readQuery(text) {
  const query = emptyQuery();
  const found = new URLSearchParams(text);
  query.q = found.get("q") || "";
  for (const name of LISTS) query[name] = [...new Set(found.getAll(name))];
  query.sort = found.get("sort") || "";
  query.down = found.get("down") === "1";
  return query;
}

function hashOf(query) {
  const made = new URLSearchParams();
  if (query.q.trim()) made.set("q", query.q.trim());
  for (const name of LISTS) for (const value of query[name]) made.append(name, value);
  if (query.sort) made.set("sort", query.sort);
  if (query.sort && query.down) made.set("down", "1");
  const text = made.toString();
  return text ? `#?${text}` : "#";
}

const hashOfOperator = (name) => `#op/${encodeURIComponent(name)}`;
const hashOfSearch = (q) => hashOf({ ...emptyQuery(), q });

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
