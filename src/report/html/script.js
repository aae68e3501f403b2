
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId("tasks");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const chips = Array.from(document.querySelectorAll(".chip"));
  const pulls = Array.from(document.querySelectorAll(".pulls li"));
  const groups = Array.from(document.querySelectorAll(".group:has(.pulls)"));
  const headers = Array.from(table.querySelectorAll("th"));
  const bars = Array.from(document.querySelectorAll("#timeline .bar"));
  const search = byId("search");
  const sort = byId("sort");
  // What tasks can be filtered by: the name in the address, and what a row has of it. Some of it has a list to choose from.
  const parts = {
    outcome: (row) => [row.dataset.outcome],
    job: (row) => [row.dataset.job],
    source: (row) => textsOf(row, ".github"),
    stage: (row) => (row.dataset.stages ?? "").split(" ").filter(Boolean),
    tag: (row) => textsOf(row, ".tag"),
  };
  const textsOf = (row, what) => Array.from(row.querySelectorAll(what), (one) => one.textContent);
  const kinds = Object.keys(parts);
  const lists = Array.from(document.querySelectorAll("select[data-filter]"));
  const state = { query: "", sort: "", chosen: Object.fromEntries(kinds.map((kind) => [kind, new Set()])) };
  // What is compared is written in lower case: a repository is the same however it is spelt.
  const plain = (kind, text) => (kind === "source" ? text.toLowerCase() : text);
  // Each row's parts, and every name that occurs, as it is spelt first.
  const known = Object.fromEntries(kinds.map((kind) => [kind, new Map()]));
  const partsOf = new Map(
    rows.map((row) => [
      row,
      Object.fromEntries(
        kinds.map((kind) => [
          kind,
          parts[kind](row).map((text) => {
            const name = plain(kind, text);
            if (!known[kind].has(name)) known[kind].set(name, text);
            return name;
          }),
        ]),
      ),
    ]),
  );
  // The kind that a chip is for, and its own name there; an empty one stands for all.
  const chosen = (chip) => (chip.dataset.stage === undefined ? ["outcome", chip.dataset.outcome] : ["stage", chip.dataset.stage]);
  for (const chip of chips) {
    const [kind, name] = chosen(chip);
    if (name) known[kind].set(name, name);
  }
  const showAll = () => {
    state.query = search.value = "";
    for (const kind of kinds) state.chosen[kind].clear();
  };
  const isAny = () => kinds.some((kind) => state.chosen[kind].size > 0);

  const words = new Map();
  const textOf = (row) => {
    let text = words.get(row);
    if (text === undefined) {
      const diff = row.querySelector(".diff");
      // A diff has too many words to search for one.
      text = (diff ? row.textContent.replace(diff.textContent, "") : row.textContent).toLowerCase();
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

  const matches = (row, wanted, terms) =>
    wanted.every((kind) => partsOf.get(row)[kind].some((name) => state.chosen[kind].has(name))) &&
    terms.every((term) => textOf(row).includes(term));

  const filter = () => {
    const terms = state.query.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = kinds.filter((kind) => state.chosen[kind].size > 0);
    const stages = state.chosen.stage;
    let shown = 0;
    const hidden = new Set();
    for (const row of rows) {
      const fits = matches(row, wanted, terms);
      row.hidden = !fits;
      if (fits) shown += 1;
      else hidden.add(row.dataset.number);
    }
    for (const bar of bars) bar.classList.toggle("off", hidden.has(bar.dataset.task));
    for (const pull of pulls) {
      const fits = stages.size === 0 || stages.has(pull.dataset.stage);
      pull.hidden = !fits || hidden.has(pull.dataset.task);
    }
    for (const group of groups) {
      group.hidden = !group.querySelector("li:not([hidden])");
      // Who asks for what is over wants to see it.
      if (stages.size > 0 && !group.hidden) group.open = true;
    }
    for (const chip of chips) {
      const [kind, name] = chosen(chip);
      const set = state.chosen[kind];
      const pressed = name === "" ? set.size === 0 : set.has(name);
      chip.setAttribute("aria-pressed", String(pressed));
    }
    for (const list of lists) {
      const set = state.chosen[list.dataset.filter];
      list.querySelector(".several")?.remove();
      if (set.size > 1) list.append(option("", `${set.size} chosen`, "several"));
      list.selectedIndex = set.size > 1 ? list.options.length - 1 : 0;
      if (set.size === 1) list.value = Array.from(set)[0];
    }
    const all = rows.length;
    byId("count").textContent = shown === all ? `${all} ${all === 1 ? "task" : "tasks"}` : `${shown} of ${all} tasks`;
    byId("nothing").hidden = shown > 0;
    byId("clear").hidden = state.query === "" && !isAny() && state.sort === "";
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

  // What a person chooses is a step that the browser can go back from; what is typed or sorted is not.
  const remember = (isStep) => {
    const address = new URLSearchParams();
    if (state.query) address.set("q", state.query);
    for (const kind of kinds) {
      const names = Array.from(state.chosen[kind]);
      if (names.some((name) => name.includes(","))) names.forEach((name) => address.append(kind, name));
      else if (names.length) address.set(kind, names.join(","));
    }
    if (state.sort) address.set("sort", state.sort);
    const hash = address.size ? `#${address}` : "#";
    try {
      if (isStep) history.pushState(null, "", hash);
      else history.replaceState(null, "", hash);
    } catch {
      // Some viewers forbid it; the page works without.
    }
  };
  const recall = () => {
    const address = new URLSearchParams(location.hash.slice(1));
    state.query = address.get("q") ?? "";
    for (const kind of kinds) {
      const names = address.getAll(kind).flatMap((value) => (known[kind].has(plain(kind, value)) ? [value] : value.split(",")));
      state.chosen[kind] = new Set(names.map((name) => plain(kind, name)).filter((name) => known[kind].has(name)));
    }
    const wanted = address.get("sort") ?? "";
    state.sort = Object.hasOwn(keys, wanted.replace("-", "")) ? wanted : "";
    search.value = state.query;
  };
  const sortBy = (value) => {
    state.sort = value;
    order();
    filter();
    remember(false);
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
      const [kind, name] = chosen(chip);
      const set = state.chosen[kind];
      if (name === "") set.clear();
      else if (!set.delete(name)) set.add(name);
      filter();
      remember(true);
    });
  }
  const option = (value, text, name) => {
    const made = document.createElement("option");
    made.value = value;
    made.textContent = text;
    made.className = name;
    return made;
  };
  for (const list of lists) {
    const kind = list.dataset.filter;
    const names = Array.from(known[kind]).sort((a, b) => collator.compare(a[1], b[1]));
    list.append(...names.map(([name, text]) => option(name, text, "")));
    // A choice of one is none.
    list.parentElement.hidden = names.length < 2;
    list.addEventListener("change", () => {
      const several = list.selectedOptions[0]?.className === "several";
      if (!several) state.chosen[kind] = new Set(list.value ? [list.value] : []);
      filter();
      remember(true);
    });
  }
  let waiting = 0;
  search.addEventListener("input", () => {
    state.query = search.value;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      filter();
      remember(false);
    });
  });
  sort.addEventListener("change", () => sortBy(sort.value));
  byId("clear").addEventListener("click", () => {
    const wasAny = isAny();
    showAll();
    state.sort = "";
    order();
    filter();
    remember(wasAny);
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
      remember(true);
    }
    for (const old of body.querySelectorAll("tr.hit")) old.classList.remove("hit");
    row.classList.add("hit");
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
  });

  // A diff gets its colours when it is opened. "toggle" does not bubble.
  const tones = { "+": "added", "-": "removed", "@": "at" };
  body.addEventListener(
    "toggle",
    (event) => {
      const diff = event.target.matches(".patch") ? event.target.querySelector(".diff") : null;
      if (!diff || diff.childElementCount > 0) return;
      const lines = (diff.textContent.match(/[^\n]*\n|[^\n]+/g) ?? []).map((line) => {
        const tone = /^(\+\+\+|---) /.test(line) ? undefined : tones[line[0]];
        if (!tone) return line;
        const made = document.createElement("span");
        made.className = tone;
        made.textContent = line;
        return made;
      });
      diff.replaceChildren(...lines);
    },
    true,
  );
  // Back, forward, and a link into the same page. The way to the table is no filter.
  addEventListener("hashchange", () => {
    if (location.hash === "#tasks") return;
    const before = state.sort;
    recall();
    if (state.sort !== before) order();
    filter();
  });
  recall();
  byId("toolbar").hidden = false;
  if (state.sort) order();
  filter();
})();
