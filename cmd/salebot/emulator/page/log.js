// A log that grows at its top: entries that can be opened, fetched in pages. What
// is open stays open while new entries come.
import { el, fill, oneAtATime } from "./dom.js";
import { query, ask } from "./server.js";
import { attempt } from "./shared.js";
import { t } from "./words.js";

const pageSize = 50;
const mostShown = 1000;

/** Makes a log in an element. Options: path of the list, name of the list in the
 * answer, summary and details that draw an entry, empty that draws what to do
 * while there is none, filter that returns further parameters. */
export function makeLog(element, { path, name, summary, details, empty, filter = () => ({}) }) {
  const entries = new Map(); // number -> {entry, node}
  const list = el("div", { class: "log" });
  const none = el("div", { class: "empty" });
  const more = el("button", { type: "button", class: "older", hidden: true, onclick: () => attempt(() => older()) }, t("older"));
  element.append(none, list, more);
  let generation = 0;
  let exhausted = true; // nothing older is remembered

  const numbers = () => [...entries.keys()];
  const fetchPage = (before, limit = pageSize) => ask(path + query({ ...filter(), before, limit }));

  const refresh = oneAtATime(async () => {
    const current = generation;
    let answer;
    try {
      answer = await fetchPage();
    } catch {
      return;
    }
    if (current !== generation) return;
    const newest = Math.max(0, ...numbers());
    const first = answer[name][0]?.number ?? 0;
    // After a reset the numbers begin anew; after a gap the list does.
    if (first < newest || answer[name].length === pageSize && answer[name].at(-1).number > newest + 1) clear();
    if (entries.size === 0) exhausted = answer[name].length < pageSize;
    for (const entry of answer[name]) put(entry);
    trim();
    more.hidden = exhausted;
    drawEmpty();
  });

  async function older(limit = pageSize) {
    const answer = await fetchPage(Math.min(...numbers()), limit);
    for (const entry of answer[name]) put(entry);
    exhausted = answer[name].length < limit;
    more.hidden = exhausted;
  }

  function put(entry) {
    const known = entries.get(entry.number);
    const text = JSON.stringify(entry);
    if (known?.text === text) return;
    const node = draw(entry, known?.node);
    if (!known) {
      // Mostly it is newer than all the others, or older.
      let next = list.firstElementChild;
      while (next && Number(next.dataset.number) > entry.number) next = next.nextElementSibling;
      list.insertBefore(node, next);
    }
    entries.set(entry.number, { entry, node, text });
  }

  function draw(entry, node) {
    const head = el("summary", {}, summary(entry));
    if (node) {
      const before = node.querySelector("summary");
      const focused = before === document.activeElement;
      before.replaceWith(head);
      if (focused) head.focus({ preventScroll: true });
      if (node.open) load(entry, node);
      return node;
    }
    const made = el("details", { dataset: { number: entry.number } }, head, el("div", { class: "details" }));
    made.addEventListener("toggle", () => { if (made.open) load(entry, made); });
    return made;
  }

  async function load(entry, node) {
    const whole = await attempt(() => ask(path + "/" + entry.number));
    if (!whole) return;
    const place = node.querySelector(".details");
    const parts = () => [...place.querySelectorAll("button, a, pre")];
    const focused = parts().indexOf(document.activeElement);
    fill(place, details(whole));
    if (focused >= 0) (parts()[focused] ?? node.querySelector("summary")).focus({ preventScroll: true });
  }

  function trim() {
    const surplus = numbers().sort((a, b) => b - a).slice(mostShown);
    if (surplus.length > 0) exhausted = false;
    for (const number of surplus) {
      entries.get(number).node.remove();
      entries.delete(number);
    }
  }

  function clear() {
    entries.clear();
    list.replaceChildren();
  }

  function drawEmpty() {
    none.hidden = entries.size > 0;
    const kind = document.documentElement.lang;
    if (none.hidden) fill(none);
    else if (none.childElementCount === 0 || none.dataset.kind !== kind) fill(none, empty());
    none.dataset.kind = kind;
  }

  return {
    refresh,
    /** Opens an entry, also one that is not here; found says whether it is
     * remembered. */
    async reveal(number) {
      if (entries.size === 0) await refresh();
      while (!entries.has(number) && entries.size > 0 && Math.min(...numbers()) > number && !exhausted) await older(500);
      const entry = entries.get(number);
      if (!entry) return false;
      entry.node.open = true;
      entry.node.scrollIntoView({ block: "start" });
      entry.node.querySelector("summary").focus({ preventScroll: true });
      return true;
    },
    /** Draws everything anew, in another language or with another filter. */
    restart() {
      generation++;
      clear();
      fill(none);
      more.textContent = t("older");
      return refresh();
    },
  };
}
