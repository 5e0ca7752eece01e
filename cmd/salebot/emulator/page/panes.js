// The tabs on the right. Each pane is refreshed while it is shown.
import { byId } from "./dom.js";
import { on, show } from "./shared.js";
import { onLanguage } from "./words.js";

const names = ["client", "requests", "webhook", "faults", "answers", "time"];
const panes = new Map();
let current = "client";

/** Adds what a pane does: refresh fetches and draws, redraw draws in another
 * language. */
export const addPane = (name, pane) => panes.set(name, pane);

/** Shows a pane. */
export function open(name) {
  current = name;
  for (const other of names) {
    const tab = byId("tab-" + other);
    tab.setAttribute("aria-selected", String(other === name));
    tab.tabIndex = other === name ? 0 : -1;
    byId("pane-" + other).hidden = other !== name;
  }
  panes.get(name)?.refresh();
}

/** Starts the tabs. */
export function startPanes() {
  for (const name of names) byId("tab-" + name).addEventListener("click", () => open(name));
  byId("tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const ends = { Home: names[0], End: names.at(-1) }[event.key];
    if (!step && !ends) return;
    event.preventDefault();
    const next = ends ?? names[(names.indexOf(current) + step + names.length) % names.length];
    open(next);
    byId("tab-" + next).focus();
  });
  byId("fault-flag").addEventListener("click", () => {
    open("faults");
    show("panel");
  });
  const refresh = () => panes.get(current)?.refresh();
  on("state", refresh);
  on("chosen", () => { if (current === "client") refresh(); });
  onLanguage(() => {
    for (const pane of panes.values()) pane.redraw?.();
    refresh();
  });
  open("client");
}
