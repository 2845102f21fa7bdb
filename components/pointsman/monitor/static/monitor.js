"use strict";
// Looks again every second while anybody looks, and puts what is new in place of what was there.
(() => {
  const EVERY = 1000;
  let shown = "";
  async function look() {
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      const text = await answer.text();
      if (text !== shown) {
        const main = new DOMParser().parseFromString(text, "text/html").querySelector("main");
        if (!main) throw new Error("no page");
        const open = new Set(Array.from(document.querySelectorAll("details[open]"), (each) => each.id));
        for (const each of main.querySelectorAll("details")) each.open = open.has(each.id);
        document.querySelector("main").replaceWith(main);
        shown = text;
      }
      document.body.classList.remove("stale");
    } catch {
      document.body.classList.add("stale");
    }
  }
  async function keepOn() {
    if (!document.hidden) await look();
    setTimeout(keepOn, EVERY);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  setTimeout(keepOn, EVERY);
})();
