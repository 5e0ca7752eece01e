// The tabs on the right. Each pane is refreshed while it is shown.
import { byId } from "./dom.js";
import { chosenClient, inPlace, setPlace } from "./place.js";
import { on, paced, show, state, touches } from "./shared.js";
import { onLanguage, t } from "./words.js";

const names = ["client", "flow", "requests", "webhook", "faults", "answers", "time"];
// A pane is drawn at most this often by itself, in milliseconds.
const pace = 300;
const panes = new Map();
let current = "client";

/** Adds what a pane does: refresh fetches and draws, redraw draws in another
 * language. */
export const addPane = (name, pane) => panes.set(name, pane);

/** Shows a pane. */
export function open(name) {
  current = name;
  setPlace("tab", name === names[0] ? "" : name);
  for (const other of names) {
    const tab = byId("tab-" + other);
    tab.setAttribute("aria-selected", String(other === name));
    tab.tabIndex = other === name ? 0 : -1;
    byId("pane-" + other).hidden = other !== name;
  }
  panes.get(name)?.refresh();
  drawBadges();
}

// What has come since the person looked at a log: its number of entries, of those
// that failed.
const logs = {
  requests: { all: "requests", bad: "requests_refused", seen: null },
  webhook: { all: "deliveries", bad: "deliveries_failed", seen: null },
};

function drawBadges() {
  const status = state.status;
  if (!status) return;
  let alarm = false;
  for (const [name, log] of Object.entries(logs)) {
    const now = { all: status[log.all], bad: status[log.bad] };
    // After a reset the numbers begin again.
    if (!log.seen || name === current && isShown() || now.all < log.seen.all || now.bad < log.seen.bad) log.seen = now;
    const fresh = now.all - log.seen.all;
    const bad = now.bad - log.seen.bad;
    alarm ||= bad > 0;
    const badge = byId("badge-" + name);
    badge.hidden = fresh === 0 && bad === 0;
    badge.classList.toggle("bad", bad > 0);
    badge.firstElementChild.textContent = fresh > 99 || bad > 99 ? "99+" : String(bad || fresh);
    badge.lastElementChild.textContent = bad > 0 ? t("entries_failed", { n: bad }) : t("entries_new", { n: fresh });
  }
  byId("badge-panel").hidden = !alarm;
}

const isShown = () => byId("panel").checkVisibility() && !document.hidden;

// What the pane at hand shows may have changed by the latest event.
let drawn = null;
function concerns() {
  const status = state.status;
  const before = drawn;
  drawn = status;
  if (!before) return true;
  switch (current) {
    case "client":
      return touches(chosenClient());
    case "requests":
      return before.requests !== status.requests;
    case "webhook":
      return before.delivery_attempts !== status.delivery_attempts || before.deliveries !== status.deliveries ||
        before.deliveries_waiting !== status.deliveries_waiting || before.webhook_url !== status.webhook_url || before.receivers !== status.receivers;
    default:
      return true;
  }
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
  const soon = paced(refresh, pace);
  on("state", () => {
    drawBadges();
    if (concerns()) soon();
  });
  on("chosen", () => { if (current === "client") refresh(); });
  onLanguage(() => {
    for (const pane of panes.values()) pane.redraw?.();
    refresh();
    drawBadges();
  });
  const named = () => (names.includes(inPlace("tab")) ? inPlace("tab") : names[0]);
  on("place", () => { if (named() !== current) open(named()); });
  open(named());
}
