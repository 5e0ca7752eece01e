// The pane of the webhook: where it is, and what it was told.
import { byId, el } from "./dom.js";
import { ask } from "./server.js";
import { attempt, state, written } from "./shared.js";
import { addPane } from "./panes.js";
import { badge, bodyPart } from "./requests.js";
import { makeLog } from "./log.js";
import { t } from "./words.js";

const pane = byId("pane-webhook");
let settings = null;

const outcome = (delivery) => {
  if (delivery.pending && delivery.attempts.length === 0) return el("span", { class: "badge" }, t("waiting"));
  const last = delivery.attempts.at(-1);
  return [badge(last?.status ?? 0, !delivery.accepted), delivery.pending ? el("span", { class: "badge" }, t("waiting")) : null];
};

const summary = (delivery) => [
  el("span", { class: "log-line" },
    outcome(delivery), el("span", {}, t("about_message", { id: delivery.message_id })),
    delivery.attempts.length > 1 ? el("span", { class: "small" }, "×" + delivery.attempts.length) : null,
    el("time", { datetime: delivery.time }, written(delivery.time, "clock"))),
];

const details = (delivery) => [
  el("button", { type: "button", onclick: () => attempt(() => ask("deliveries/" + delivery.number + "/redeliver", { method: "POST" })) }, t("redeliver")),
  el("h4", {}, t("body")), bodyPart(delivery.body, t("body")),
  delivery.attempts.map((one, index) => [
    el("h4", {}, t("attempt", { n: index + 1 }), " ", el("time", { class: "small" }, written(one.time, "clock"))),
    el("p", {}, badge(one.status, one.status < 200 || one.status > 299), " ", one.error),
    one.status !== 0 ? bodyPart(one.answer, t("answered")) : null,
  ]),
];

function form(redrawn) {
  const url = el("input", { id: "webhook-url", type: "url", autocomplete: "off", placeholder: "http://localhost:3000/webhook" });
  const resend = el("select", { id: "webhook-resend" }, ["none", "5xx", "failed"].map((rule) => el("option", { value: rule }, t("resend_" + rule))));
  const save = el("button", { type: "submit" }, t("save"));
  const made = el("form", { class: "stack", onsubmit: (event) => attempt(async () => {
    event.preventDefault();
    const changed = { ...settings, url: url.value.trim(), resend: resend.value };
    settings = await ask("webhook", { method: "PUT", body: changed });
    save.textContent = t("saved");
    setTimeout(() => { save.textContent = t("save"); }, 1500);
    redrawn();
  }) },
  el("label", {}, el("span", {}, t(state.status?.webhook_url ? "webhook_url" : "webhook_off")), url),
  el("label", {}, el("span", {}, t("resend")), resend), save);
  url.value = settings?.url ?? "";
  resend.value = settings?.resend || "none";
  return made;
}

/** Starts the pane. */
export function startWebhook() {
  const top = el("div", {});
  pane.append(top);
  const drawForm = () => top.replaceChildren(form(drawForm));
  const log = makeLog(pane, {
    path: "deliveries", name: "deliveries", summary, details,
    empty: () => (state.status?.webhook_url ? el("p", {}, t("no_deliveries")) : null),
  });
  addPane("webhook", {
    async refresh() {
      const before = JSON.stringify(settings);
      settings = await attempt(() => ask("webhook")) ?? settings;
      if (JSON.stringify(settings) !== before || top.childElementCount === 0) drawForm();
      await log.refresh();
    },
    redraw() {
      drawForm();
      log.restart();
    },
  });
}
