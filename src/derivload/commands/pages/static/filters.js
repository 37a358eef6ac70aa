// The filters beside the table: checkboxes, each with how many functions it would leave.

let boxes = null;

function showFilters(query, counts) {
  boxes = boxes || [...byId("filters").querySelectorAll("input")];
  for (const input of boxes) {
    input.checked = query[input.name].includes(input.value);
    const left = String(counts[input.name].get(input.value) || 0);
    const told = input.parentElement.lastElementChild;
    if (told.textContent !== left) told.textContent = left;
    input.parentElement.classList.toggle("nothing", left === "0" && !input.checked);
  }
  const chosen = LISTS.flatMap((name) => query[name]).length;
  byId("filter-count").textContent = chosen ? `(${chosen})` : "";
  byId("clear").hidden = !chosen && !query.q && !query.sort;
}

// Calls `changed` with the query that the boxes stand for.
function watchFilters(changed) {
  byId("filters").addEventListener("change", ({ target }) => {
    changed((query) => {
      const others = query[target.name].filter((value) => value !== target.value);
      return { ...query, [target.name]: target.checked ? [...others, target.value] : others };
    });
  });
  byId("clear").addEventListener("click", () => changed(emptyQuery));
  // Beside the table there is room for them.
  byId("filters").open = matchMedia("(min-width: 75rem)").matches;
}
