"use strict";
// Reads the page again when its run has gone on; not while somebody writes in it, and not behind other windows.
(() => {
  const LEAST = 2000;
  const at = document.currentScript.dataset.events;
  let due = false;
  let last = Date.now();
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
    location.reload();
  }, 250);
})();
