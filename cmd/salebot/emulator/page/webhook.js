// The pane of the webhook: where it is, and what it was told.
import { byId, el } from "./dom.js";
import { ask } from "./server.js";
import { attempt, code, complain, sayOn, state, took, written } from "./shared.js";
import { addPane, open } from "./panes.js";
import { command } from "./chats.js";
import { badge, bodyPart, glance, toChat, toMessage } from "./requests.js";
import { onReveal } from "./trace.js";
import { makeLog } from "./log.js";
import { t } from "./words.js";

const pane = byId("pane-webhook");
let settings = null;
let dirty = false; // the person has changed the form

const outcome = (delivery) => {
  if (delivery.pending && delivery.attempts.length === 0) return el("span", { class: "badge" }, t("waiting"));
  const last = delivery.attempts.at(-1);
  return [badge(last?.status ?? 0, !delivery.accepted), delivery.pending ? el("span", { class: "badge" }, t("waiting")) : null];
};

const directions = { in: "←", out: "→", callback: "⚡" };

const summary = (delivery) => {
  const last = delivery.attempts.at(-1);
  const isRequest = delivery.block_id !== "0";
  return [
    el("span", { class: "log-line" },
      outcome(delivery), el("b", {}, isRequest ? t("block_request", { id: delivery.block_id }) : t("event_" + (delivery.kind || "own"))),
      delivery.copy > 0 ? el("span", { class: "small" }, t("copy_of", { n: delivery.copy })) : null,
      delivery.attempts.length > 1 ? el("span", { class: "small" }, "×" + delivery.attempts.length) : null,
      last ? el("span", { class: "small took" }, took(last.took_ms)) : null,
      el("time", { datetime: delivery.time }, written(delivery.time, "clock"))),
    glance(delivery.client, delivery.text, directions[delivery.kind] ?? "↗"),
    isRequest || (state.status?.receivers ?? 0) > 1
      ? el("span", { class: "log-note mono" }, delivery.method + " " + delivery.url) : null,
  ];
};

const details = (delivery) => [
  el("button", { type: "button", onclick: () => attempt(() => ask("deliveries/" + delivery.number + "/redeliver", { method: "POST" })) }, t("redeliver")),
  el("p", { class: "log-links" },
    delivery.client_id === "0" ? null : [toChat(delivery.client_id, delivery.client), delivery.message_id === "0" ? null : " · "],
    delivery.message_id === "0" ? null : toMessage(delivery.client_id, delivery.message_id)),
  el("h3", { class: "part" }, t("sent")), code([delivery.method + " " + delivery.url, delivery.content_type && "Content-Type: " + delivery.content_type].filter(Boolean).join("\n"), t("sent")),
  bodyPart(delivery.body, t("body")),
  delivery.attempts.map((one, index) => [
    el("h3", { class: "part" }, t("attempt", { n: index + 1 }), " ", el("time", { class: "small" }, written(one.time, "clock")), " ", el("span", { class: "small" }, took(one.took_ms))),
    el("p", {}, badge(one.status, one.status < 200 || one.status > 299), " ", one.error),
    one.status !== 0 ? bodyPart(one.answer, t("answered")) : null,
  ]),
  el("h3", { class: "part" }, t("again")), command(delivery.curl),
];

// The form has a row for each address.
let rows = [];
const kinds = ["in", "out", "callback"];

function rowsOf(webhook) {
  const first = { url: webhook.url ?? "", events: webhook.events ?? null, header: webhook.header };
  return [first, ...(webhook.further ?? []).map((one) => ({ url: one.url, events: one.events ?? null, header: one.header }))];
}

function addressRow(row, index, changed) {
  const name = t(index === 0 ? (row.url ? "webhook_url" : "webhook_off") : "webhook_further", { n: index + 1 });
  const url = el("input", { id: index === 0 ? "webhook-url" : "webhook-url-" + index, type: "url", autocomplete: "off", placeholder: "http://localhost:3000/webhook",
    oninput: (event) => { row.url = event.target.value; changed(); } });
  url.value = row.url;
  const boxes = kinds.map((kind) => {
    const box = el("input", { type: "checkbox", id: "webhook-" + index + "-" + kind, onchange: () => {
      const wanted = kinds.filter((_, i) => boxes[i].firstElementChild.checked);
      row.events = wanted.length === kinds.length ? null : wanted;
      changed();
    } });
    box.checked = row.events === null || row.events.includes(kind);
    return el("label", { class: "check" }, box, el("span", {}, t("event_" + kind)));
  });
  return el("fieldset", { class: "address-row" },
    el("legend", { class: "unseen" }, t("webhook_row", { n: index + 1 })),
    el("label", {}, el("span", {}, name), url),
    el("div", { class: "row" }, boxes, index === 0 ? null
      : el("button", { type: "button", onclick: () => { rows.splice(index, 1); changed(true); } }, t("remove"))));
}

function form(redrawn) {
  const resend = el("select", { id: "webhook-resend" }, ["none", "5xx", "failed"].map((rule) => el("option", { value: rule }, t("resend_" + rule))));
  const save = el("button", { type: "submit", class: "main" }, t("save"));
  const changed = (again) => {
    dirty = true;
    if (again) redrawn();
  };
  const made = el("form", { class: "stack", id: "webhook-form", onsubmit: (event) => attempt(async () => {
    event.preventDefault();
    const [first, ...further] = rows;
    const body = { ...settings, url: first.url.trim(), events: first.events ?? undefined, resend: resend.value,
      further: further.filter((row) => row.url.trim() !== "").map((row) => ({ url: row.url.trim(), events: row.events ?? undefined, header: row.header })) };
    settings = await ask("webhook", { method: "PUT", body });
    rows = rowsOf(settings);
    dirty = false;
    redrawn();
    sayOn(byId("webhook-form").querySelector("[type=submit]"), t("saved"), t("save"));
  }) },
  rows.map((row, index) => addressRow(row, index, changed)),
  el("div", { class: "row" }, el("button", { type: "button", id: "webhook-add", onclick: () => {
    rows.push({ url: "", events: null });
    changed(true);
    byId("webhook-url-" + (rows.length - 1)).focus();
  } }, t("webhook_add"))),
  el("label", {}, el("span", {}, t("resend")), resend), el("div", { class: "row" }, save));
  resend.value = settings?.resend || "none";
  resend.addEventListener("change", () => changed());
  return made;
}

/** Starts the pane. */
export function startWebhook() {
  const top = el("div", {});
  pane.append(top);
  const drawForm = () => {
    if (settings && rows.length === 0) rows = rowsOf(settings);
    top.replaceChildren(form(drawForm));
  };
  const log = makeLog(pane, {
    path: "deliveries", name: "deliveries", summary, details,
    empty: () => (state.status?.receivers > 0 ? el("p", {}, t("no_deliveries")) : null),
  });
  onReveal("webhook", (number) => attempt(async () => {
    open("webhook");
    if (!await log.reveal(number)) complain(new Error(t("not_remembered")));
  }));
  addPane("webhook", {
    async refresh() {
      const asked = await attempt(() => ask("webhook")) ?? settings;
      // Compared with what is shown by now: the form may have been saved meanwhile.
      const fresh = JSON.stringify(asked) !== JSON.stringify(settings);
      settings = asked;
      // What is being written stays.
      if (fresh && !dirty) rows = [];
      if (fresh && !dirty || top.childElementCount === 0) drawForm();
      await log.refresh();
    },
    redraw() {
      drawForm();
      log.restart();
    },
  });
}
