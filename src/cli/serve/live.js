"use strict";
// Reads the page again when its run has gone on; not while somebody writes in it, and not behind other windows. What was
// open, or closed, in it is so again.
(() => {
  const LEAST = 2000;
  const at = document.currentScript.dataset.events;
  let due = false;
  let last = Date.now();

  // What folds is known by the next element around it that has an id, and by its place in that.
  const folds = () => {
    const places = new Map();
    return Array.from(document.querySelectorAll("details"), (fold) => {
      const around = fold.parentElement.closest("[id]")?.id ?? "";
      const place = places.get(around) ?? 0;
      places.set(around, place + 1);
      return [`${around} ${place}`, fold];
    });
  };
  const asMade = new Map(folds().map(([name, fold]) => [name, fold.open]));
  const before = new Map(history.state?.folds);
  for (const [name, fold] of folds()) {
    if (before.has(name)) fold.open = before.get(name);
  }
  const again = () => {
    const changed = folds().filter(([name, fold]) => fold.open !== asMade.get(name));
    history.replaceState({ ...history.state, folds: changed.map(([name, fold]) => [name, fold.open]) }, "");
    location.reload();
  };

  const isBusy = () => {
    const has = document.activeElement;
    const writes = has instanceof HTMLInputElement && has.value !== "";
    return writes || document.hidden || String(getSelection()) !== "";
  };
  const events = new EventSource(at);
  events.addEventListener("change", () => { due = true; });
  setInterval(() => {
    if (!due || isBusy() || Date.now() - last < LEAST) return;
    due = false;
    last = Date.now();
    again();
  }, 250);
})();
