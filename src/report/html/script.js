
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId("tasks");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const chips = Array.from(document.querySelectorAll(".chip"));
  const pulls = Array.from(document.querySelectorAll(".pulls li"));
  const groups = Array.from(document.querySelectorAll(".group"));
  const headers = Array.from(table.querySelectorAll("th"));
  const bars = Array.from(document.querySelectorAll("#timeline .bar"));
  const search = byId("search");
  const sort = byId("sort");
  const state = { query: "", outcomes: new Set(), stages: new Set(), sort: "" };
  // The set that a chip is for, and its own name there; an empty one stands for all.
  const chosen = (chip) => ("stage" in chip.dataset ? [state.stages, chip.dataset.stage] : [state.outcomes, chip.dataset.outcome]);
  const showAll = () => {
    state.query = search.value = "";
    state.outcomes.clear();
    state.stages.clear();
  };

  const words = new Map();
  const textOf = (row) => {
    let text = words.get(row);
    if (text === undefined) {
      text = row.textContent.toLowerCase();
      words.set(row, text);
    }
    return text;
  };

  const cellText = (row, column) => row.querySelector(`.c-${column}`).textContent.trim();
  const number = (value, missing) => (value === undefined ? missing : Number(value));
  const keys = {
    outcome: (row) => Number(row.dataset.rank),
    task: (row) => row.querySelector(".id").textContent,
    source: (row) => cellText(row, "source"),
    result: (row) => row.querySelector(".pull")?.textContent ?? "\uffff",
    started: (row) => number(row.dataset.started, Infinity),
    time: (row) => Number(row.dataset.millis),
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const compare = (a, b) => (typeof a === "number" ? a - b || 0 : collator.compare(a, b));

  const matches = (row, terms) =>
    (state.outcomes.size === 0 || state.outcomes.has(row.dataset.outcome)) &&
    (state.stages.size === 0 || (row.dataset.stages ?? "").split(" ").some((stage) => state.stages.has(stage))) &&
    terms.every((term) => textOf(row).includes(term));

  const filter = () => {
    const terms = state.query.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    const hidden = new Set();
    for (const row of rows) {
      const fits = matches(row, terms);
      row.hidden = !fits;
      if (fits) shown += 1;
      else hidden.add(row.dataset.number);
    }
    for (const bar of bars) bar.classList.toggle("off", hidden.has(bar.dataset.task));
    for (const pull of pulls) {
      const fits = state.stages.size === 0 || state.stages.has(pull.dataset.stage);
      pull.hidden = !fits || hidden.has(pull.dataset.task);
    }
    for (const group of groups) {
      group.hidden = !group.querySelector("li:not([hidden])");
      // Who asks for what is over wants to see it.
      if (state.stages.size > 0 && !group.hidden) group.open = true;
    }
    for (const chip of chips) {
      const [set, name] = chosen(chip);
      const pressed = name === "" ? set.size === 0 : set.has(name);
      chip.setAttribute("aria-pressed", String(pressed));
    }
    const all = rows.length;
    byId("count").textContent = shown === all ? `${all} ${all === 1 ? "task" : "tasks"}` : `${shown} of ${all} tasks`;
    byId("nothing").hidden = shown > 0;
    byId("clear").hidden = state.query === "" && state.outcomes.size === 0 && state.stages.size === 0 && state.sort === "";
  };

  const order = () => {
    const descending = state.sort.startsWith("-");
    const column = state.sort.replace("-", "");
    const key = keys[column];
    const sorted = rows.map((row, index) => [key ? key(row) : index, index, row]);
    sorted.sort((a, b) => compare(a[0], b[0]) * (descending ? -1 : 1) || a[1] - b[1]);
    body.append(...sorted.map((entry) => entry[2]));
    for (const header of headers) {
      if (header.dataset.column === column) header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else header.removeAttribute("aria-sort");
    }
    sort.value = Array.from(sort.options).some((option) => option.value === state.sort) ? state.sort : column;
  };

  const remember = () => {
    const parts = new URLSearchParams();
    if (state.query) parts.set("q", state.query);
    if (state.outcomes.size) parts.set("outcome", Array.from(state.outcomes).join(","));
    if (state.stages.size) parts.set("stage", Array.from(state.stages).join(","));
    if (state.sort) parts.set("sort", state.sort);
    try {
      history.replaceState(null, "", parts.size ? `#${parts}` : "#");
    } catch {
      // Some viewers forbid it; the page works without.
    }
  };
  const recall = () => {
    const parts = new URLSearchParams(location.hash.slice(1));
    const known = (kind) => {
      const names = new Set(chips.map((chip) => chip.dataset[kind]));
      return new Set((parts.get(kind) ?? "").split(",").filter((name) => name && names.has(name)));
    };
    state.query = parts.get("q") ?? "";
    state.outcomes = known("outcome");
    state.stages = known("stage");
    const wanted = parts.get("sort") ?? "";
    state.sort = Object.hasOwn(keys, wanted.replace("-", "")) ? wanted : "";
    search.value = state.query;
  };
  const sortBy = (value) => {
    state.sort = value;
    order();
    filter();
    remember();
  };

  for (const header of headers) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => {
      const column = header.dataset.column;
      const next = { [column]: `-${column}`, [`-${column}`]: "" };
      const first = column === "time" ? "-time" : column;
      if (column === "time") sortBy(state.sort === "-time" ? "time" : state.sort === "time" ? "" : first);
      else sortBy(next[state.sort] ?? first);
    });
    header.replaceChildren(button);
  }
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      const [set, name] = chosen(chip);
      if (name === "") set.clear();
      else if (!set.delete(name)) set.add(name);
      filter();
      remember();
    });
  }
  let waiting = 0;
  search.addEventListener("input", () => {
    state.query = search.value;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      filter();
      remember();
    });
  });
  sort.addEventListener("change", () => sortBy(sort.value));
  byId("clear").addEventListener("click", () => {
    showAll();
    sortBy("");
    search.focus();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search && search.value === "") {
      search.blur();
    }
  });

  const barsOf = new Map();
  for (const bar of bars) {
    const of = barsOf.get(bar.dataset.task) ?? [];
    of.push(bar);
    barsOf.set(bar.dataset.task, of);
  }
  let marked = null;
  const mark = (row) => {
    if (marked === row) return;
    for (const [of, on] of [[marked, false], [row, true]]) {
      if (of) for (const bar of barsOf.get(of.dataset.number) ?? []) bar.classList.toggle("hit", on);
    }
    marked = row;
  };
  body.addEventListener("mouseover", (event) => mark(event.target.closest("tr")));
  body.addEventListener("mouseleave", () => mark(null));
  body.addEventListener("focusin", (event) => mark(event.target.closest("tr")));
  byId("timeline")?.addEventListener("click", (event) => {
    const bar = event.target.closest(".bar");
    if (!bar) return;
    const row = byId(`t${bar.dataset.task}`);
    if (row.hidden) {
      showAll();
      filter();
      remember();
    }
    for (const old of body.querySelectorAll("tr.hit")) old.classList.remove("hit");
    row.classList.add("hit");
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
  });

  recall();
  byId("toolbar").hidden = false;
  if (state.sort) order();
  filter();
})();
