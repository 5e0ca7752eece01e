// The pane of API requests: what arrived, how it was understood, what was
// answered.
import { byId, el } from "./dom.js";
import { ask } from "./server.js";
import { choose, inPlace, setPlace } from "./place.js";
import { attempt, code, complain, on, readable, show, took, written } from "./shared.js";
import { addPane, open } from "./panes.js";
import { reveal } from "./conversation.js";
import { onReveal } from "./trace.js";
import { faultDid } from "./fault-words.js";
import { remark } from "./remarks.js";
import { command } from "./chats.js";
import { makeLog } from "./log.js";
import { t } from "./words.js";

const pane = byId("pane-requests");

/** An HTTP status as a colored mark. */
export const badge = (status, bad) => el("span", { class: "badge " + (bad ? "bad" : "good") }, status === 0 ? t("no_answer") : String(status));

/** A body of a request or an answer. */
export function bodyPart(body, label) {
  if (body.base64) return el("p", { class: "hint" }, t("binary", { n: body.bytes }));
  if (body.text === "") return el("p", { class: "hint" }, t("empty_body"));
  return code(readable(body.text), label);
}

const summary = (request) => [
  el("span", { class: "log-line" },
    badge(request.status, request.refused), el("b", {}, request.action || t("no_action")), el("span", { class: "mono small" }, request.method),
    el("span", { class: "small took" }, took(request.took_ms)),
    el("time", { datetime: request.time }, written(request.time, "clock"))),
  glance(request.client, request.about, "→"),
  request.fault ? el("span", { class: "log-note bad" }, t("fault_was", { what: faultDid(request.fault) })) : null,
  request.notes.map((text) => el("span", { class: "log-note" }, t("remark", { text: remark(text) }))),
];

/** The line of a row that says whom it was about and what was said: in which
 * direction. */
export const glance = (person, text, direction) => person || text ? el("span", { class: "log-about" },
  person ? [el("span", { class: "direction", "aria-hidden": "true" }, direction), " ", el("bdi", { class: "who" }, person), text ? ": " : ""] : null,
  el("bdi", {}, text.replace(/\s+/g, " "))) : null;

/** A button that leads to the chat of a client. */
export const toChat = (id, name) => el("button", { type: "button", class: "link", onclick: () => { choose(id); show("talk"); } }, name || id);

/** A button that leads to a message in its chat. */
export const toMessage = (client, message) =>
  el("button", { type: "button", class: "link", onclick: () => reveal(client, message) }, t("about_message", { id: message }));

const details = (request) => [
  request.client_id === "0" ? null : el("p", { class: "log-links" }, toChat(request.client_id, request.client),
    request.first_message_id === "0" ? null : [" · ", toMessage(request.client_id, request.first_message_id)]),
  request.action === "" ? el("p", { class: "log-note" }, t("no_action_about")) : null,
  request.action === "" || request.action_known ? null : el("p", { class: "log-note bad" }, t("unknown_action")),
  el("h3", { class: "part" }, t("arrived")),
  code(arrived(request), t("arrived")),
  bodyPart(request.body, t("body")),
  el("h3", { class: "part" }, t("understood")), code(readable(request.parameters_text), t("understood")),
  el("h3", { class: "part" }, t("answered")), el("p", {}, badge(request.status, request.refused), " ", el("span", { class: "small" }, took(request.took_ms))),
  bodyPart(request.answer, t("answered")),
  // Without an address there is nothing to repeat.
  request.action === "" ? null : [el("h3", { class: "part" }, t("again")), command(request.curl)],
];

const arrived = (request) => [
  request.action === "" ? request.method : request.method + " " + request.path,
  request.content_type && "Content-Type: " + request.content_type,
  request.key && t("key_used", { key: request.key }),
].filter(Boolean).join("\n");

/** Starts the pane. */
export function startRequests() {
  const chosen = el("select", {}, el("option", { value: "" }));
  const label = el("label", { class: "filter" }, el("span", {}), chosen);
  pane.append(label);
  const words = () => {
    label.firstElementChild.textContent = t("action");
    chosen.firstElementChild.textContent = t("all_actions");
  };
  words();
  attempt(async () => {
    const answer = await ask("actions");
    chosen.append(...answer.actions.map((action) => el("option", { value: action.name }, action.name)));
    chosen.value = inPlace("action");
    if (chosen.value !== "") log.restart();
  });
  const log = makeLog(pane, {
    path: "requests", name: "requests", summary, details,
    filter: () => ({ action: chosen.value ?? "" }),
    empty: () => [
      el("p", {}, t("no_requests")),
      command(`curl "${location.origin}/api/$SALEBOT_API_KEY/connected_channels"`),
    ],
  });
  const filtered = () => {
    setPlace("action", chosen.value);
    return log.restart();
  };
  chosen.addEventListener("change", filtered);
  on("place", () => {
    if (chosen.value === inPlace("action")) return;
    chosen.value = inPlace("action");
    log.restart();
  });
  onReveal("requests", (number) => attempt(async () => {
    open("requests");
    if (chosen.value !== "") {
      chosen.value = "";
      await filtered();
    }
    if (!await log.reveal(number)) complain(new Error(t("not_remembered")));
  }));
  addPane("requests", { refresh: log.refresh, redraw: () => { words(); log.restart(); } });
}
