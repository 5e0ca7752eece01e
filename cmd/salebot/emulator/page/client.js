// The pane of the chosen client: who it is, its variables and deals, and what a
// person changes of them.
import { byId, el, fill, oneAtATime, refocus } from "./dom.js";
import { ask } from "./server.js";
import { choose, chosenClient } from "./place.js";
import { attempt, show, written } from "./shared.js";
import { addPane } from "./panes.js";
import { t } from "./words.js";

const pane = byId("pane-client");
let drawn = "";
let states = null; // of deals
const openEditor = () => pane.querySelector(".editor:not(.done)");

const refresh = oneAtATime(async () => {
  const id = chosenClient();
  let client = null;
  if (id) {
    try {
      states ??= (await ask("team")).states;
      client = await ask("clients/" + id);
    } catch {
      client = null;
    }
  }
  if (chosenClient() !== id) return;
  // Drawing anew would take away a selection, the focus, or what is half written.
  const now = JSON.stringify(client) + document.documentElement.lang;
  if (now === drawn || client && (openEditor() || isWritten(document.activeElement))) return;
  drawn = now;
  const focused = pane.contains(document.activeElement) ? document.activeElement.id : "";
  draw(client);
  if (focused) byId(focused)?.focus();
});

const isWritten = (field) => pane.contains(field) && field.matches("input:not([type=checkbox]), textarea") && !field.closest(".done");

// again draws what was changed here, and puts the focus where it was. Drawing may
// take a while, and the person may be writing elsewhere by then.
async function again(focus) {
  await refresh();
  refocus(focus);
}

function draw(client) {
  if (!client) return fill(pane, el("p", { class: "empty" }, t("choose_client")));
  const active = client.orders.some((order) => order.status === 0);
  fill(pane,
    el("dl", { class: "facts" }, fact("name", client.name), fact("client_id", client.id, true), fact("messenger", client.messenger),
      fact("platform_id", client.platform_id, true), fact("group_id", client.group_id, true), fact("tag", client.tag),
      fact("employee", client.employee), fact("lists", client.lists.join(", ")),
      fact("current_block", client.block_id === "0" ? "" : client.block_id), fact("created", written(client.created_at, "full"))),
    toggle(client, "reachable", client.unreachable === "", { unreachable: client.unreachable === "" ? t("blocked_by_person") : "" }),
    toggle(client, "bot_runs", !client.paused, { paused: !client.paused }),
    variables("own", t("client_variables"), of(client.variables, true), (name, value) => change(client, { variables: { ["client." + name]: value } })),
    // If there is an active deal, they are shown with it.
    active ? null : variables("loose", t("deal_variables"), of(client.variables, false), (name, value) => change(client, { variables: { [name]: value } })),
    el("h3", {}, t("deals")), client.orders.length === 0 ? el("p", { class: "hint" }, t("no_deals")) : client.orders.map((deal) => order(client, deal)),
    el("div", { class: "row" },
      el("button", { type: "button", id: "new-deal", onclick: () => attempt(async () => {
        await ask("clients/" + client.id + "/orders", { method: "POST", body: {} });
        await again("new-deal");
      }) }, t("new_deal"))),
    el("div", { class: "row apart" },
      el("button", { type: "button", class: "danger", id: "delete-client", onclick: () => remove(client) }, t("delete_client"))),
  );
}

// The variables of the client, or those of the deal. Their names may be any, also
// those of what every object has.
function of(all, own) {
  const found = Object.create(null);
  for (const [name, value] of Object.entries(all)) {
    if (own && name.startsWith("client.")) found[name.slice(7)] = value;
    else if (!own && !name.startsWith("client.")) found[name] = value;
  }
  return found;
}

const fact = (name, value, mono) => value ? [el("dt", {}, t(name)), el("dd", { class: mono ? "mono" : null }, el("bdi", {}, value))] : null;

const change = (client, body) => ask("clients/" + client.id, { method: "PATCH", body });

function toggle(client, name, value, body) {
  const box = el("input", { type: "checkbox", role: "switch", id: "client-" + name });
  box.checked = value;
  box.addEventListener("change", () => attempt(() => change(client, body)));
  return el("label", { class: "toggle" }, box, el("span", {}, t(name)));
}

// variables draws variables and the buttons that change them. save gets a name and a
// value, or null to remove it.
function variables(group, title, values, save) {
  const names = Object.keys(values).sort();
  const place = el("div", {});
  const add = el("button", { type: "button", id: "add-" + group, onclick: () => open(place, editor(group, "", "", save)) }, t("add_variable"));
  return el("section", { class: "variables" },
    title ? el("h3", {}, title) : null,
    names.length === 0 ? el("p", { class: "hint" }, t("no_variables")) : el("table", { class: "values" }, el("tbody", {}, names.map((name, index) => {
      const id = group + "-" + index;
      const row = el("tr", {}, el("th", { scope: "row" }, name), el("td", { dir: "auto" }, values[name]),
        el("td", { class: "edit" }, el("button", { type: "button", class: "link", id, "aria-label": t("edit_variable", { name }), title: t("edit_variable", { name }), onclick: () => open(row, editor(id, name, values[name], save)) }, "✎")));
      return row;
    }))),
    place, el("div", { class: "row" }, add));
}

// open shows an editor. There is one at a time, since the end of one draws
// everything again, and would take away what is written in another.
function open(place, form) {
  if (!openEditor()) place.replaceChildren(place.matches("tr") ? el("td", { colspan: 3 }, form) : form);
  openEditor().querySelector("input:not([readonly]), textarea").focus();
}

// editor is the form in which one variable is changed.
function editor(id, name, value, save) {
  const known = name !== "";
  const nameInput = el("input", { autocomplete: "off", maxlength: 200, required: true, "aria-label": t("variable_name"), placeholder: t("variable_name") });
  nameInput.value = name;
  nameInput.readOnly = known;
  const valueInput = el("textarea", { rows: value.length > 60 || value.includes("\n") ? 4 : 1, "aria-label": t("variable_value"), placeholder: t("variable_value") });
  valueInput.value = value;
  const done = (what) => attempt(async () => {
    if (what !== undefined) await save(nameInput.value.trim(), what);
    form.classList.add("done");
    drawn = ""; // the editor goes also if nothing was changed
    await again(known ? id : "add-" + id);
  });
  const form = el("form", { class: "editor", onsubmit: (event) => {
    event.preventDefault();
    if (nameInput.value.trim() !== "") done(valueInput.value);
  }, onkeydown: (event) => {
    if (event.key === "Escape") done(undefined);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  } }, nameInput, valueInput,
  el("div", { class: "row" }, el("button", { type: "submit", class: "main" }, t("save")),
    el("button", { type: "button", onclick: () => done(undefined) }, t("cancel")),
    known ? el("button", { type: "button", class: "danger", onclick: () => done(null) }, t("remove")) : null));
  return form;
}

function order(client, deal) {
  const body = (wanted) => attempt(async () => {
    await ask("clients/" + client.id + "/orders/" + deal.id, { method: "PATCH", body: wanted });
    await again(document.activeElement?.id ?? "");
  });
  const id = "deal-" + deal.id;
  const state = el("select", { id: id + "-state", onchange: (event) => body({ state_id: Number(event.target.value) }) },
    [...(states ?? []), ...(states?.some((one) => one.id === deal.state_id) ? [] : [{ id: deal.state_id, name: "" }])]
      .map((one) => el("option", { value: one.id }, one.name ? one.name + " (" + one.id + ")" : one.id)));
  state.value = deal.state_id;
  const status = el("select", { id: id + "-status", onchange: (event) => body({ status: Number(event.target.value) }) },
    [0, 1, 2].map((n) => el("option", { value: n }, t("deal_" + n))));
  status.value = String(deal.status);
  const name = el("input", { id: id + "-name", autocomplete: "off", maxlength: 200, value: deal.name, onchange: (event) => body({ name: event.target.value }) });
  const budget = el("input", { id: id + "-budget", type: "number", step: "any", value: deal.budget, onchange: (event) => body({ budget: Number(event.target.value) }) });
  return el("section", { class: "deal", "aria-labelledby": id },
    el("h4", { id }, t("deal", { id: deal.id })),
    deal.description ? el("p", { class: "hint" }, el("bdi", {}, deal.description)) : null,
    el("div", { class: "fields" }, field("name", name), field("budget", budget), field("state", state), field("deal_status", status)),
    variables(id, "", deal.variables, (key, value) => ask("clients/" + client.id + "/orders/" + deal.id, { method: "PATCH", body: { variables: { [key]: value } } })));
}

const field = (name, input) => el("label", {}, el("span", {}, t(name)), input);

function remove(client) {
  if (!confirm(t("delete_sure", { name: client.name || client.platform_id }))) return;
  attempt(async () => {
    await ask("clients/" + client.id, { method: "DELETE" });
    choose(null);
    show("chats");
  });
}

/** Starts the pane. */
export function startClient() {
  // What was not drawn while the person wrote is drawn then.
  pane.addEventListener("focusout", () => setTimeout(refresh));
  addPane("client", { refresh });
}
