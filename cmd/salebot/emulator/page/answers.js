// The pane of answers: what the emulator says where nobody knows for certain what
// Salebot says.
import { byId, el, fill, oneAtATime, refocus } from "./dom.js";
import { ask } from "./server.js";
import { attempt } from "./shared.js";
import { addPane } from "./panes.js";
import { command } from "./chats.js";
import { currentLanguage, t } from "./words.js";

const pane = byId("pane-answers");
let settings = [];
let words = null; // fetched when they are needed first
let drawn = "";

// What a value looks like in an answer, where its name does not say it.
const examples = {
  "ok-html": "ok (text/html)", json: '{"status":"success"}', "404-text": "404: client_not_found",
  "404-json": '404: {"status":"client_not_found"}', "200-json": '200: {"status":"client_not_found"}', object: "{}", list: "[]",
  "ids number": "836000001", "ids text": '"836000001"',
  "client_times text": '"2026-05-28 17:33:42.539976"', "client_times unix": "1779989622", "client_times unix-text": '"1779989622"',
  "history_times text": '"2026-05-28 17:33:42.539976"', "history_times unix": "1779989622", "history_times unix-text": '"1779989622"',
  "order_list result": '"result":[…]', "order_list order_id": '"order_id":[…]', "values text": '"30"', "values as-sent": "30",
};

const refresh = oneAtATime(async () => {
  try {
    words ??= (await import("./answer-words.js")).answerWords;
    take((await ask("settings/answers")).answers);
  } catch {
    // The sign of the connection says it.
  }
});

function take(fresh) {
  settings = fresh;
  draw();
}

function draw() {
  const now = JSON.stringify(settings) + currentLanguage();
  if (now === drawn || words === null) return;
  const focused = pane.contains(document.activeElement) ? document.activeElement : null;
  // What is being written must not be taken away.
  if (focused?.dataset.shown !== undefined && focused.value !== focused.dataset.shown) return;
  drawn = now;
  const changed = settings.filter((one) => one.changed);
  const place = pane.scrollTop;
  fill(pane,
    el("p", { class: "hint" }, t("answers_about")),
    el("p", { class: "row answers-reset" },
      el("button", { type: "button", id: "answers-reset", disabled: changed.length === 0, onclick: resetAll }, t("answers_reset")),
      el("span", { class: "small", role: "status", id: "answers-changed" }, changed.length === 0 ? t("answers_unchanged") : t("answers_changed", { n: changed.length }))),
    changed.length === 0 ? null : el("details", { class: "keep", open: pane.querySelector(".keep")?.open },
      el("summary", {}, t("answers_keep")), command(configuration(changed))),
    el("h3", {}, t("answers_forms")), settings.filter((one) => one.kind !== "reply").map(row),
    el("h3", {}, t("answers_errors")), el("p", { class: "hint" }, t("answers_errors_about")), settings.filter((one) => one.kind === "reply").map(row));
  pane.scrollTop = place;
  if (focused?.id) byId(focused.id)?.focus({ preventScroll: true });
}

// JSON is YAML too, so that a value needs no quoting of its own.
const configuration = (changed) => "answers:\n" + changed.map((one) => "  " + one.name + ": " + JSON.stringify(one.value) + "\n").join("");

function row(setting) {
  const id = "answer-" + setting.name;
  const own = words[currentLanguage()]?.[setting.name] ?? words.en[setting.name];
  const known = own?.known ?? setting.known;
  const title = el("span", { class: "setting-title" },
    el("span", {}, own?.label ?? setting.name), " ", el("code", { class: "small mono" }, setting.name));
  const about = el("p", { class: "hint", id: id + "-known" }, inCode(known));
  const back = setting.changed
    ? el("button", { type: "button", class: "link", id: id + "-default", "aria-label": t("answer_default_of", { name: setting.name }), onclick: () => change(setting.name, null, id) }, t("answer_default"))
    : null;
  const mark = setting.changed ? el("span", { class: "badge" }, t("answer_is_changed")) : null;
  const head = (control, label) => el("div", { class: "setting-head" }, label, mark, back, control);
  const classes = "setting" + (setting.changed ? " changed" : "");
  if (setting.kind === "flag") {
    const box = el("input", { type: "checkbox", role: "switch", id, "aria-describedby": id + "-known" });
    box.checked = setting.value;
    box.addEventListener("change", () => change(setting.name, box.checked, id));
    return el("div", { class: classes }, head(null, el("label", { class: "toggle" }, box, title)), about);
  }
  if (setting.kind === "reply") return el("fieldset", { class: classes }, el("legend", {}, title), head(null, null), reply(setting, id), about);
  const control = setting.kind === "choice" ? choice(setting, id) : field(setting, id, setting.value, (value) => change(setting.name, value === "" ? null : value, id));
  control.setAttribute("aria-describedby", id + "-known");
  return el("div", { class: classes }, head(control, el("label", { for: id }, title)), about);
}

function choice(setting, id) {
  const made = el("select", { id, onchange: (event) => change(setting.name, event.target.value, id) },
    setting.values.map((value) => el("option", { value }, caption(setting, value))));
  made.value = setting.value;
  return made;
}

function caption(setting, value) {
  const own = words[currentLanguage()]?.[setting.name]?.values?.[value];
  const example = own ?? examples[setting.name + " " + value] ?? examples[value];
  return value + (value === setting.default ? " (" + t("answer_usual") + ")" : "") + (example ? " — " + example : "");
}

function field(setting, id, value, save, properties = {}) {
  const made = el(properties.tag ?? "input", { id, autocomplete: "off", spellcheck: "false", ...properties, tag: null });
  made.value = value ?? "";
  made.dataset.shown = made.value;
  made.addEventListener("change", () => {
    made.dataset.shown = made.value; // it is no longer being written
    save(made.value);
  });
  return made;
}

function reply(setting, id) {
  const set = (part) => (value) => {
    const next = { ...setting.value, [part]: part === "status" ? Number(value) : value };
    for (const [name, one] of Object.entries(next)) if (!one) delete next[name];
    change(setting.name, Object.keys(next).length === 0 ? null : next, id + "-" + part);
  };
  const part = (name, properties) => el("label", {}, el("span", {}, t("reply_" + name)),
    field(setting, id + "-" + name, setting.value[name], set(name), { placeholder: setting.default[name], ...properties }));
  return el("div", { class: "reply" },
    part("status", { type: "number", min: 200, max: 599, inputmode: "numeric" }), part("content_type"),
    part("body", { tag: "textarea", rows: 2 }));
}

/** Shows what stands between backticks as code. */
const inCode = (text) => text.split("`").map((part, index) => (index % 2 ? el("code", { class: "mono" }, part) : part));

async function change(name, value, focus) {
  const answer = await attempt(() => ask("settings/answers", { method: "PATCH", body: { answers: { [name]: value } } }));
  drawn = ""; // a refusal puts the control back
  if (answer) take(answer.answers);
  else await refresh();
  refocus(focus);
}

async function resetAll() {
  drawn = "";
  await attempt(() => ask("settings", { method: "PUT", body: { answers: {} } }));
  await refresh();
  refocus("tab-answers");
}

/** Starts the pane. */
export const startAnswers = () => addPane("answers", { refresh, redraw: draw });
