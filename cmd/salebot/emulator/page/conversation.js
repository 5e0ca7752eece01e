// The conversation with the chosen client. The latest messages are fetched first,
// and older ones as the person scrolls up.
import { byId, el, fill, link, oneAtATime } from "./dom.js";
import { ask, query } from "./server.js";
import { attempt, choose, chosenClient, on, show, state, written } from "./shared.js";
import { onLanguage, t } from "./words.js";
import { command, guide, messageCall } from "./chats.js";

const pageSize = 50;
let messages = [];
let before = 0; // how many messages are older than those here
let shown = null; // the client whose messages are here
let loadingOlder = false;
let about = null;
let gone = null; // the client that was shown and is no longer there: {id, word}
let writing = false; // the person wants to write once the chat is there

const area = byId("messages");
const empty = byId("talk-empty");
const newest = byId("newest");
const input = byId("write-text");

const path = (id) => "clients/" + id + "/messages";

const refresh = oneAtATime(async () => {
  const id = chosenClient();
  if (!id) {
    shown = null;
    messages = [];
    before = 0;
    return drawFrame();
  }
  let answer;
  try {
    about = await ask("clients/" + id);
    const fresh = shown !== id;
    const last = fresh ? undefined : messages.at(-1)?.id;
    answer = await ask(path(id) + query({ after: last, limit: fresh ? pageSize : 500 }));
    // A bounded conversation loses its oldest messages.
    if (!fresh && isFull(answer)) forget(before + messages.length - answer.before);
    // Something was taken away, or the last message is no longer there.
    if (!fresh && answer.before !== before + messages.length) answer = await ask(path(id) + query({ limit: pageSize }));
    else if (!fresh) {
      if (chosenClient() === id) append(answer.messages);
      drawFrame();
      // There are more than one answer holds.
      if (answer.after > 0) refresh();
      return;
    }
  } catch (error) {
    if (chosenClient() !== id) return;
    if (error.status === 404) {
      const word = shown === id ? "client_gone" : "client_unknown";
      const focused = byId("talk").contains(document.activeElement);
      choose(null);
      gone = { id, word };
      drawFrame();
      // What had the focus is hidden now.
      if (focused) [byId("chat-list"), byId("search")].find((element) => element.checkVisibility())?.focus();
    } else if (shown !== id) {
      shown = null;
      fill(area);
      about = null;
      drawFrame(error.message);
    }
    return;
  }
  if (chosenClient() !== id) return;
  shown = id;
  messages = answer.messages;
  before = answer.before;
  drawAll();
  toEnd();
});

// isFull reports whether a conversation has as many messages as are kept.
const isFull = (answer) => answer.before + answer.messages.length + answer.after === state.status?.max_messages;

// forget takes the oldest messages away.
function forget(count) {
  if (count <= 0 || count >= before + messages.length) return;
  const older = Math.min(count, before);
  before -= older;
  const gone = messages.splice(0, count - older);
  for (const message of gone) area.querySelector(`[data-id="${message.id}"]`)?.remove();
  if (before === 0) area.querySelector(".older")?.remove();
}

function append(fresh) {
  if (fresh.length === 0) return;
  const wasAtEnd = atEnd();
  const last = messages.at(-1);
  messages.push(...fresh);
  area.append(...elements(fresh, last));
  if (wasAtEnd) toEnd();
  else newest.hidden = false;
}

async function older() {
  if (loadingOlder || before === 0 || !shown) return;
  loadingOlder = true;
  const id = shown;
  try {
    const answer = await attempt(() => ask(path(id) + query({ before: messages[0].id, limit: pageSize })));
    if (!answer || id !== shown) return;
    messages.unshift(...answer.messages);
    before = answer.before;
    const fromEnd = area.scrollHeight - area.scrollTop;
    drawAll();
    area.scrollTop = area.scrollHeight - fromEnd;
  } finally {
    loadingOlder = false;
  }
}

const atEnd = () => area.scrollHeight - area.scrollTop - area.clientHeight < 60;

function toEnd() {
  area.scrollTop = area.scrollHeight;
  newest.hidden = true;
}

function drawAll() {
  const top = before > 0 ? [el("button", { type: "button", class: "older", onclick: older }, t("older"))] : [];
  area.replaceChildren(...top, ...elements(messages, null));
  drawFrame();
}

function drawFrame(problem) {
  const id = chosenClient();
  const ready = id !== null && shown === id;
  byId("write").hidden = !ready;
  if (ready && writing) {
    writing = false;
    input.focus();
  }
  byId("talk-title").replaceChildren(el("bdi", {}, ready && about ? about.name || about.platform_id : t("conversation")));
  const bound = state.status?.max_messages ?? 0;
  byId("talk-bound").hidden = !ready || bound === 0 || before + messages.length < bound;
  byId("talk-bound").textContent = t("bounded", { n: bound });
  byId("talk-about").textContent = ready && about
    ? [about.messenger, about.group_id, t("messages_total", { n: before + messages.length })].filter(Boolean).join(" · ") : "";
  area.hidden = !ready || messages.length === 0;
  empty.hidden = ready && messages.length > 0;
  if (empty.hidden) return fill(empty);
  const kind = [ready, id, problem, gone?.id, gone?.word, state.status?.clients === 0, document.documentElement.lang].join();
  if (empty.dataset.kind === kind && empty.childElementCount > 0) return;
  empty.dataset.kind = kind;
  if (problem) fill(empty, el("p", {}, problem));
  else if (!ready) {
    const nobody = state.status?.clients === 0;
    fill(empty, gone ? el("p", { class: "gone", role: "status" }, t(gone.word, gone)) : null,
      nobody ? [el("h3", {}, t("no_chats_title")), guide()] : el("p", {}, t("choose_chat")));
  }
  else fill(empty, el("p", {}, t("no_messages")), command(messageCall(id)));
}

function elements(of, previous) {
  const made = [];
  let day = previous && written(previous.time, "day");
  for (const message of of) {
    const its = written(message.time, "day");
    if (its !== day) made.push(el("div", { class: "day" }, its));
    day = its;
    made.push(bubble(message));
  }
  return made;
}

function bubble(message) {
  const side = { client: "in", callback: "notice", crm: "notice", telephony: "notice" }[message.from] ?? "out";
  const parts = [el("span", { class: "from" }, label(message))];
  if (message.text !== "") parts.push(el("p", { class: "text", dir: "auto" }, message.text));
  for (const attachment of message.attachments) parts.push(attachmentPart(attachment));
  const variables = Object.entries(message.variables);
  if (variables.length > 0) {
    parts.push(el("dl", { class: "values" }, variables.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)])));
  }
  if (message.hint !== "") parts.push(el("p", { class: "hint" }, t("hint", { hint: message.hint })));
  const inline = message.buttons.filter((button) => button.type === "inline");
  const keyboard = message.buttons.filter((button) => button.type !== "inline");
  parts.push(el("span", { class: "meta" }, el("time", { datetime: message.time }, written(message.time, "clock")), mark(message, side)));
  return el("article", { class: "message " + side, dataset: { id: message.id } },
    el("div", { class: "bubble" }, parts),
    rowsOf(message, inline, "inline"), rowsOf(message, keyboard, "keyboard"));
}

function label(message) {
  const words = [message.employee || t("from_" + message.from)];
  if (message.from === "callback") words.push(t("callback_hidden"));
  if (message.block_id !== "0") words.push(t("block", { id: message.block_id }));
  return words.join(" · ");
}

function mark(message, side) {
  if (side !== "out") return null;
  if (message.delivered) return el("span", { class: "mark", role: "img", "aria-label": t("delivered"), title: t("delivered") }, "✓✓");
  const text = t("not_delivered", { error: message.error });
  return el("span", { class: "mark bad" }, "✗ " + text);
}

function attachmentPart(attachment) {
  if (attachment.phone_number) return el("p", { class: "attachment" }, t("contact", { phone: attachment.phone_number }));
  const kind = ["image", "video", "audio", "file", "link"].includes(attachment.type) ? t(attachment.type) : attachment.type || t("file");
  return el("p", { class: "attachment" }, kind + ": ", link(attachment.url ?? ""));
}

function rowsOf(message, buttons, kind) {
  if (buttons.length === 0) return null;
  const lines = new Map();
  for (const button of buttons) {
    if (!lines.has(button.line)) lines.set(button.line, []);
    lines.get(button.line).push(buttonPart(message, button));
  }
  return el("div", { class: "buttons " + kind }, [...lines.values()].map((line) => el("div", { class: "button-line" }, line)));
}

function buttonPart(message, button) {
  const place = message.buttons.indexOf(button);
  if (button.pressable) {
    return el("button", { type: "button", class: "press", dataset: { place }, onclick: () => press(message.id, place) },
      button.type === "phone" ? "☎ " : "", button.text);
  }
  const address = button.url || button.web_app;
  const inner = address ? link(address, button.text + " ↗") : el("span", {}, button.text + " ↗");
  return el("span", { class: "press outside", title: t("opens") }, inner);
}

async function press(message, place) {
  const id = chosenClient();
  await attempt(() => ask("clients/" + id + "/press", { method: "POST", body: { message_id: message, button: place } }));
  await refresh();
  toEnd();
}

async function write(event) {
  event.preventDefault();
  const text = input.value;
  const id = chosenClient();
  if (text.trim() === "" || !id) return;
  input.value = "";
  const sent = await attempt(() => ask(path(id), { method: "POST", body: { text } }));
  if (!sent && input.value === "") input.value = text;
  await refresh();
  toEnd();
}

/** Starts the conversation. */
export function startConversation() {
  byId("write").addEventListener("submit", write);
  newest.addEventListener("click", () => { toEnd(); input.focus(); });
  area.addEventListener("scroll", () => {
    if (area.scrollTop < 80) older();
    if (atEnd()) newest.hidden = true;
  });
  const back = (event) => {
    if (event.key !== "Escape") return;
    show("chats");
    byId("chat-list").focus();
  };
  input.addEventListener("keydown", back);
  area.addEventListener("keydown", back);
  on("chosen", () => {
    gone = null;
    shown = null;
    messages = [];
    before = 0;
    about = null;
    fill(area);
    newest.hidden = true;
    input.value = "";
    refresh();
  });
  on("state", refresh);
  on("writing", () => {
    writing = true;
    drawFrame();
  });
  onLanguage(() => { if (shown) drawAll(); else drawFrame(); });
  drawFrame();
  refresh(); // a chat may have been chosen already
}
