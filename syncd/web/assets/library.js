"use strict";
// Copies, marks, more pages and keys. Every page works without this file.

const KEPT = "marked"; // in sessionStorage: the marked images of all pages, with their hashes
const grid = document.getElementById("grid");
const said = document.getElementById("said");

async function copy(text) {
  if (navigator.clipboard) {
    try { await navigator.clipboard.writeText(text); return true; } catch { return false; }
  }
  const area = document.createElement("textarea"); // a page without TLS has no clipboard
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

function report(button, done, text) {
  const before = button.dataset.label || button.textContent;
  button.dataset.label = before;
  button.textContent = done ? text : "Not copied";
  said.textContent = done ? text : "Not copied: the browser does not allow it";
  button.classList.toggle("done", done);
  button.classList.toggle("failed", !done);
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = setTimeout(() => {
    button.textContent = before;
    button.classList.remove("done", "failed");
  }, 1500);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) report(button, await copy(button.dataset.copy), "Copied");
});

function marks() {
  const form = document.getElementById("selection");
  if (!form) return () => {};
  const label = document.getElementById("marked");
  const account = document.getElementById("of");
  const copyMarked = document.getElementById("copy-marked");
  const clear = document.getElementById("clear");
  const nothing = label.textContent;
  const marked = new Map(JSON.parse(sessionStorage.getItem(KEPT) || "[]"));

  const hashes = (card) => Object.fromEntries(
    [...card.querySelectorAll("code[data-account]")].map((c) => [c.dataset.account, c.textContent]));

  const show = () => {
    const any = marked.size > 0;
    label.textContent = any ? `${marked.size} marked` : nothing;
    copyMarked.hidden = clear.hidden = !any;
    for (const box of grid.querySelectorAll("input[name=image]")) {
      box.checked = marked.has(box.value);
    }
  };
  const keep = () => {
    show();
    try {
      sessionStorage.setItem(KEPT, JSON.stringify([...marked]));
    } catch { // it has room for some 8,000 marks with ten hashes each
      said.textContent = label.textContent += ", on this page only: the browser has no more room";
    }
  };
  grid.addEventListener("change", (event) => {
    const box = event.target;
    if (box.checked) marked.set(box.value, hashes(box.closest(".image")));
    else marked.delete(box.value);
    keep();
  });
  clear.addEventListener("click", () => { marked.clear(); keep(); });
  copyMarked.addEventListener("click", async () => {
    const found = [...marked.values()].flatMap(
      (of) => account.value ? (of[account.value] || []) : Object.values(of));
    report(copyMarked, await copy(found.join("\n")), `Copied ${found.length}`);
  });
  form.addEventListener("formdata", (event) => {
    event.formData.delete("image");
    for (const digest of marked.keys()) event.formData.append("image", digest);
  });
  return show;
}

if (grid) {
  const show = marks();
  const more = async () => { // returns whether a page was loaded
    const link = document.getElementById("more");
    if (!link || link.dataset.loading) return false;
    link.dataset.loading = "yes";
    let text;
    try { text = await (await fetch(link.href)).text(); } catch {
      delete link.dataset.loading;
      said.textContent = link.textContent = "Not loaded: syncd web does not respond. Try again";
      return false;
    }
    const page = new DOMParser().parseFromString(text, "text/html");
    const next = page.getElementById("grid");
    if (!next) { location.href = link.href; return false; } // the session has ended
    const cards = [...next.children];
    grid.append(...cards);
    link.parentElement.replaceWith((page.getElementById("more") || page.getElementById("end"))
      .closest("p"));
    show();
    if (cards.length) said.textContent = `${cards.length} more`;
    else await more(); // a search that has found nothing yet
    return true;
  };
  document.addEventListener("click", (event) => {
    if (event.target.id !== "more") return;
    event.preventDefault();
    more();
  });
  addEventListener("pagehide", () => {
    history.replaceState({ cards: grid.children.length, top: scrollY }, "");
  });
  const restore = async ({ cards, top }) => { // "back": the browser caches no page
    while (grid.children.length < cards && await more());
    scrollTo(0, top);
  };
  const [{ type }] = performance.getEntriesByType("navigation");
  if (type === "back_forward" && history.state) restore(history.state);
  if (!grid.children.length) more();

  let at = -1;
  const go = (to) => {
    const cards = [...grid.children];
    if (!cards.length) return;
    const card = cards[Math.max(0, Math.min(cards.length - 1, to))];
    card.scrollIntoView({ block: "nearest" });
    card.querySelector("h3 a").focus({ preventScroll: true });
  };
  grid.addEventListener("focusin", (event) => { // by the keys below, Tab or a click
    grid.children[at]?.classList.remove("at");
    at = [...grid.children].findIndex((card) => card.contains(event.target));
    grid.children[at].classList.add("at");
  });
  const columns = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const help = document.getElementById("keys");
  const keys = {
    "/": () => { document.getElementById("q").focus(); },
    "?": () => { help.open = !help.open; help.scrollIntoView({ block: "nearest" }); },
    j: () => go(at + 1), ArrowRight: () => go(at + 1),
    k: () => go(at - 1), ArrowLeft: () => go(at - 1),
    ArrowDown: () => go(at < 0 ? 0 : at + columns()), ArrowUp: () => go(at - columns()),
    x: () => { grid.children[at]?.querySelector("input")?.click(); },
    c: () => { grid.children[at]?.querySelector("[data-copy]")?.click(); },
    m: more,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea, summary")) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  show();
}
