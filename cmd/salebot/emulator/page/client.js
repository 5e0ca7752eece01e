// The pane of the chosen client: who it is, its variables and deals.
import { byId, el, fill, oneAtATime } from "./dom.js";
import { ask } from "./server.js";
import { attempt, chosenClient, written } from "./shared.js";
import { addPane } from "./panes.js";
import { t } from "./words.js";

const pane = byId("pane-client");
let drawn = "";

const refresh = oneAtATime(async () => {
  const id = chosenClient();
  let client = null;
  if (id) {
    try {
      client = await ask("clients/" + id);
    } catch {
      client = null;
    }
  }
  if (chosenClient() !== id) return;
  // Drawing anew would take away a selection or the focus.
  const now = JSON.stringify(client) + document.documentElement.lang;
  if (now === drawn) return;
  drawn = now;
  const focused = pane.contains(document.activeElement) ? document.activeElement.id : "";
  draw(client);
  if (focused) byId(focused)?.focus();
});

function draw(client) {
  if (!client) return fill(pane, el("p", { class: "empty" }, t("choose_client")));
  // Their names may be any, also those of what every object has.
  const own = Object.create(null);
  const deal = Object.create(null);
  for (const [name, value] of Object.entries(client.variables)) {
    if (name.startsWith("client.")) own[name.slice(7)] = value;
    else deal[name] = value;
  }
  fill(pane,
    el("dl", { class: "facts" }, fact("name", client.name), fact("client_id", client.id, true), fact("messenger", client.messenger),
      fact("platform_id", client.platform_id, true), fact("group_id", client.group_id, true), fact("tag", client.tag),
      fact("employee", client.employee), fact("lists", client.lists.join(", ")),
      fact("current_block", client.block_id === "0" ? "" : client.block_id), fact("created", written(client.created_at, "full"))),
    toggle(client, "reachable", client.unreachable === "", { unreachable: client.unreachable === "" ? t("blocked_by_person") : "" }),
    toggle(client, "bot_runs", !client.paused, { paused: !client.paused }),
    el("h3", {}, t("client_variables")), table(own),
    // Where there is an active deal, they are shown with it.
    client.orders.some((order) => order.status === 0) ? null : [el("h3", {}, t("deal_variables")), table(deal)],
    el("h3", {}, t("deals")), client.orders.length === 0 ? el("p", { class: "hint" }, t("no_deals")) : client.orders.map(order),
  );
}

const fact = (name, value, mono) => value ? [el("dt", {}, t(name)), el("dd", { class: mono ? "mono" : null }, el("bdi", {}, value))] : null;

function toggle(client, name, value, change) {
  const box = el("input", { type: "checkbox", role: "switch", id: "client-" + name });
  box.checked = value;
  box.addEventListener("change", () => attempt(() => ask("clients/" + client.id, { method: "PATCH", body: change })));
  return el("label", { class: "toggle" }, box, el("span", {}, t(name)));
}

function table(values) {
  const names = Object.keys(values).sort();
  if (names.length === 0) return el("p", { class: "hint" }, t("no_variables"));
  return el("table", { class: "values" }, el("tbody", {}, names.map((name) =>
    el("tr", {}, el("th", { scope: "row" }, name), el("td", { dir: "auto" }, values[name])))));
}

function order(deal) {
  return el("div", { class: "deal" },
    el("p", {}, el("b", { class: "mono" }, deal.id), " ", el("bdi", {}, deal.name), " ", el("span", { class: "badge" }, t("deal_" + deal.status))),
    el("dl", { class: "facts" }, fact("state", deal.state ? deal.state + " (" + deal.state_id + ")" : deal.state_id),
      fact("budget", deal.budget ? String(deal.budget) : "")),
    Object.keys(deal.variables).length > 0 ? table(deal.variables) : null);
}

/** Starts the pane. */
export const startClient = () => addPane("client", { refresh });
