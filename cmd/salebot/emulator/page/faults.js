// The pane of faults: switches for what can go wrong, and what is switched on.
import { byId, el, fill, oneAtATime } from "./dom.js";
import { ask } from "./server.js";
import { attempt } from "./shared.js";
import { addPane } from "./panes.js";
import { faultDoes } from "./fault-words.js";
import { t } from "./words.js";

const pane = byId("pane-faults");
const always = -1;

const switches = {
  fault_503: { status: 503 },
  fault_502: { status: 502, page: true, execute: true },
  fault_429: { status: 429, retry_after: "5s" },
  fault_slow: { delay: "3s" },
  fault_before: { reset: "before" },
  fault_after: { reset: "after" },
  fault_during: { reset: "during" },
  fault_truncated: { truncate: true },
  fault_inside: { status: 200, body: '{"status":"error","message":"made to go wrong"}' },
  fault_permission: { status: 403, body: "WRONG_ACTION" },
};

const nothing = {
  action: "", status: 0, body: "", content_type: "", page: false, retry_after: "0s", retry_after_date: false,
  execute: false, delay: "0s", reset: "", truncate: false, probability: 0,
};

let actions = [];
let faults = [];
let action = "";
let once = false;
let drawn = "";

const same = (fault, wanted) => Object.entries({ ...nothing, ...wanted, action }).every(([name, value]) => fault[name] === value);

const refresh = oneAtATime(async () => {
  try {
    if (actions.length === 0) actions = (await ask("actions")).actions.map((one) => one.name);
    faults = (await ask("faults")).faults;
  } catch {
    return;
  }
  // Drawing anew would take away what the person is about to press.
  if (JSON.stringify(faults) !== drawn) draw();
});

function draw() {
  drawn = JSON.stringify(faults);
  const focused = pane.contains(document.activeElement) ? document.activeElement.id : "";
  const which = el("select", { id: "fault-action", onchange: (event) => { action = event.target.value; draw(); } },
    el("option", { value: "" }, t("all_requests")), actions.map((name) => el("option", { value: name }, name)));
  which.value = action;
  const next = el("input", { type: "checkbox", id: "fault-once", onchange: (event) => { once = event.target.checked; } });
  next.checked = once;
  fill(pane,
    el("label", { class: "filter" }, el("span", {}, t("faults_for")), which),
    el("label", { class: "toggle which" }, next, el("span", {}, t("only_next"))),
    Object.entries(switches).map(([name, wanted]) => toggle(name, wanted)),
    el("h3", {}, t("active_faults")),
    faults.length === 0 ? el("p", { class: "hint" }, t("no_faults")) : [
      faults.map(active),
      el("button", { type: "button", id: "fault-clear", onclick: () => change("faults", "DELETE") }, t("remove_all")),
    ]);
  if (focused) byId(focused)?.focus();
}

function toggle(name, wanted) {
  const on = faults.find((fault) => same(fault, wanted));
  const box = el("input", { type: "checkbox", role: "switch", id: name });
  box.checked = on !== undefined;
  box.addEventListener("change", () => {
    if (box.checked) change("faults", "POST", { ...wanted, action, times: once ? 1 : always });
    else if (on) change("faults/" + on.id, "DELETE");
  });
  return el("label", { class: "toggle" }, box, el("span", {}, t(name)));
}

function active(fault) {
  const name = Object.entries(switches).find(([, wanted]) => Object.entries({ ...nothing, ...wanted }).every(([key, value]) => key === "action" || fault[key] === value))?.[0];
  const what = name ? t(name) : describe(fault);
  const left = fault.times === always ? t("always") : t("times_left", { n: fault.times });
  return el("p", { class: "active-fault" },
    el("span", {}, el("b", {}, fault.action || t("all_requests")), ": ", what, " · ", left, fault.active ? null : " · " + t("fault_waits")),
    el("button", { type: "button", id: "remove-" + fault.id, onclick: () => change("faults/" + fault.id, "DELETE") }, t("remove")));
}

function describe(fault) {
  const parts = Object.entries(fault).filter(([name, value]) => name in nothing && name !== "action" && value !== nothing[name]);
  return parts.map(([name, value]) => faultDoes(name, value)).join(", ");
}

async function change(path, method, body) {
  await attempt(() => ask(path, { method, body }));
  drawn = ""; // a switch that was refused goes back
  await refresh();
}

/** Starts the pane. */
export const startFaults = () => addPane("faults", { refresh, redraw: draw });
