// The pane of the flow: its blocks as they were written, to be tried on the chosen
// client.
import { byId, el, fill, oneAtATime } from "./dom.js";
import { ask } from "./server.js";
import { chosenClient } from "./place.js";
import { attempt, code, on, show } from "./shared.js";
import { addPane } from "./panes.js";
import { t } from "./words.js";

const pane = byId("pane-flow");
let blocks = null;
let drawn = "";

const refresh = oneAtATime(async () => {
  try {
    blocks = (await ask("blocks")).blocks;
  } catch {
    return;
  }
  draw();
});

function draw() {
  if (!blocks) return;
  const now = JSON.stringify([blocks, chosenClient(), document.documentElement.lang]);
  if (now === drawn) return;
  drawn = now;
  const focused = pane.contains(document.activeElement) ? document.activeElement.id : "";
  fill(pane, blocks.length === 0 ? el("p", { class: "empty" }, t("no_blocks")) : [
    chosenClient() ? null : el("p", { class: "hint" }, t("blocks_need_client")),
    blocks.map(block),
  ]);
  if (focused) byId(focused)?.focus();
}

function block(one) {
  const client = chosenClient();
  return el("article", { class: "block" },
    el("div", { class: "block-head" },
      el("b", { class: "mono" }, one.id), el("span", { class: "badge" }, one.fallback ? t("block_fallback") : one.condition ? [t("block_when"), " ", el("bdi", {}, one.condition)] : t("block_by_number")),
      el("button", { type: "button", id: "try-" + one.id, disabled: client === null, "aria-label": t("try_block", { id: one.id }), onclick: () => attempt(async () => {
        await ask("clients/" + client + "/blocks/" + one.id, { method: "POST" });
        show("talk");
      }) }, t("try"))),
    one.description ? el("p", { class: "hint" }, one.description) : null,
    one.answer ? el("p", { class: "text", dir: "auto" }, one.answer) : null,
    one.attachments.length > 0 ? el("p", { class: "hint" }, one.attachments.map((file) => file.type + ": " + (file.url ?? "")).join(", ")) : null,
    one.buttons.length > 0 ? el("p", { class: "block-buttons" }, one.buttons.map((button) => el("span", { class: "badge" }, button.text))) : null,
    one.request ? [el("h3", { class: "part" }, t("block_requests")), code([(one.request.method || "POST") + " " + one.request.url,
      ...Object.entries(one.request.header ?? {}).map(([name, value]) => name + ": " + value), "", one.request.body ?? ""].join("\n").trim(), t("block_requests"))] : null);
}

/** Starts the pane. */
export function startFlow() {
  on("chosen", draw);
  addPane("flow", { refresh, redraw: draw });
}
