// The data: `need(name)` gives what Python wrote under a name, as soon as it is there.
//
// A page that is opened from a file may read no other file, but run scripts of its folder. Each file of
// data is a script that calls `derivload`. In a page that is one file, data is in elements.

const OURS = /^(data\/[a-z]+(_[0-9]+)?|version)\.js(\?[0-9]+)?$/;
const needed = new Map();

// With this, a browser refuses any other script that is added, and all markup made of text.
const policy = window.trustedTypes
  ? window.trustedTypes.createPolicy("derivload", { createScriptURL: checkedAddress })
  : { createScriptURL: checkedAddress };

function checkedAddress(address) {
  if (!OURS.test(address)) throw new TypeError(`not ours: ${address}`);
  return address;
}

function promiseOf(name) {
  if (!needed.has(name)) {
    const one = {};
    one.promise = new Promise((resolve, reject) => Object.assign(one, { resolve, reject }));
    needed.set(name, one);
  }
  return needed.get(name);
}

// What the files of data call.
window.derivload = (name, text) => {
  if (name === "version") seeVersion(JSON.parse(text));
  else promiseOf(name).resolve(JSON.parse(text));
};

function need(name) {
  const isNew = !needed.has(name);
  const one = promiseOf(name);
  if (isNew) {
    const inside = document.querySelector(`script[data-name="${CSS.escape(name)}"]`);
    if (inside) one.resolve(JSON.parse(inside.textContent));
    else addScript(`data/${name}.js`, () => one.reject(new Error(`data/${name}.js is missing`)));
  }
  return one.promise;
}

function addScript(address, failed) {
  const script = document.createElement("script");
  script.addEventListener("error", () => failed());
  script.addEventListener("load", () => script.remove());
  script.src = policy.createScriptURL(address);
  document.head.append(script);
}

// Beside derivwatch, a page looks for new data, and shows it where it was.
let version = null;

function seeVersion(found) {
  if (version !== null && version !== found) {
    const isSearching = document.activeElement === byId("search");
    history.replaceState({ scroll: scrollY, isSearching }, "", location.href);
    location.reload();
  }
  version = found;
}

function lookForVersions() {
  let looks = 0;
  setInterval(() => {
    if (!document.hidden) addScript(`version.js?${Date.now() + looks++}`, () => {});
  }, 700);
}
