// The pane of time: the clock, what waits for its time, and the whole state.
import { byId, el, fill, oneAtATime } from "./dom.js";
import { ask } from "./server.js";
import { choose } from "./place.js";
import { attempt, sayOn, show, state, written } from "./shared.js";
import { addPane } from "./panes.js";
import { t } from "./words.js";

const pane = byId("pane-time");
let clock = null;

const refresh = oneAtATime(async () => {
  let fresh;
  try {
    fresh = await ask("clock");
  } catch {
    return;
  }
  const drawn = clock && JSON.stringify([clock.scheduled, clock.total, clock.time_zone]);
  clock = fresh;
  if (drawn !== JSON.stringify([clock.scheduled, clock.total, clock.time_zone])) draw();
});

function draw() {
  if (!clock) return;
  const focused = pane.contains(document.activeElement) ? document.activeElement.id : "";
  fill(pane,
    el("h3", {}, t("now")), el("p", { class: "big mono", id: "pane-now" }, written(clock.now, "full")),
    el("p", { class: "hint" }, t("zone", { zone: clock.time_zone })),
    el("h3", {}, t("forward")),
    el("div", { class: "row" }, step("minute", { by: "1m" }), step("hour", { by: "1h" }), step("day", { by: "24h" }),
      clock.total > 0 ? step("to_next", { to_next: true }) : null),
    el("h3", {}, t("scheduled")),
    clock.total === 0 ? el("p", { class: "hint" }, t("nothing_scheduled")) : [
      clock.scheduled.map(waiting),
      clock.total > clock.scheduled.length ? el("p", { class: "hint" }, t("and_more", { n: clock.total - clock.scheduled.length })) : null,
    ],
    el("h3", {}, t("project_state")),
    el("div", { class: "row" },
      el("a", { class: "button", href: "/_emulator/snapshot", download: "salebot-emulator.json" }, t("download")),
      upload(),
      state.status?.state_file ? el("button", { type: "button", onclick: (event) => attempt(async () => {
        const button = event.target;
        await ask("save", { method: "POST" });
        sayOn(button, t("state_saved"), t("save_state"));
      }) }, t("save_state")) : null,
      el("button", { type: "button", class: "danger", onclick: reset }, t("reset"))),
    el("p", {}, el("a", { href: "/_emulator/openapi.yaml" }, t("docs"))),
  );
  if (focused) byId(focused)?.focus();
}

const step = (name, by) => el("button", { type: "button", id: "step-" + name, onclick: () => attempt(async () => {
  await ask("clock/advance", { method: "POST", body: by });
  await refresh();
}) }, t(name));

const waiting = (send) => el("p", { class: "scheduled" },
  el("time", { class: "mono" }, written(send.due, "moment")), " ",
  el("button", { type: "button", class: "link", onclick: () => { choose(send.client_id); show("talk"); } }, send.client_id), " ",
  send.callback ? "⚡ " : "", el("bdi", {}, send.text));

function upload() {
  const file = el("input", { type: "file", accept: ".json,application/json", class: "unseen", tabindex: "-1", "aria-label": t("upload") });
  file.addEventListener("change", () => attempt(async () => {
    if (file.files.length === 0) return;
    const text = await file.files[0].text();
    await ask("snapshot", { method: "PUT", body: text });
    choose(null);
    file.value = "";
  }));
  return [el("button", { type: "button", onclick: () => file.click() }, t("upload")), file];
}

function reset() {
  if (!confirm(t("reset_sure"))) return;
  attempt(async () => {
    await ask("reset", { method: "POST" });
    choose(null);
    show("chats");
  });
}

/** Starts the pane. */
export const startTime = () => addPane("time", { refresh, redraw: draw });
