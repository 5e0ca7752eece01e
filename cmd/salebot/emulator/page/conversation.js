// The conversation with the chosen client. The latest messages are fetched first,
// and older ones as the person scrolls up.
import { byId, el, fill, link, oneAtATime } from "./dom.js";
import { ask, query } from "./server.js";
import { choose, chosenClient, inPlace, setPlace } from "./place.js";
import { attempt, on, paced, show, state, touches, written } from "./shared.js";
import { attachmentPart, startAttaching } from "./attachments.js";
import { traceButton } from "./trace.js";
import { onLanguage, t } from "./words.js";
import { command, guide, messageCall } from "./chats.js";

const pageSize = 50;
// How many messages are drawn at most. Further away ones are fetched when the person
// gets there.
const mostDrawn = 600;
let messages = [];
let before = 0; // how many messages are older than those here
let behind = false; // there are newer ones than those here
let shown = null; // the client whose messages are here
let loadingOlder = false;
let about = null;
let gone = null; // the client that was shown and is no longer there: {id, word}
let writing = false; // the person wants to write once the chat is there
let wanted = null; // the message to show once the chat is there

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
    behind = false;
    return drawFrame();
  }
  let answer;
  try {
    about = await ask("clients/" + id);
    const fresh = shown !== id;
    if (!fresh && wanted === null) {
      const last = messages.at(-1)?.id;
      answer = await ask(path(id) + query({ after: last, limit: pageSize * 2 }));
      // The person may have scrolled to other messages in the meantime.
      if (chosenClient() !== id || messages.at(-1)?.id !== last) return void refresh();
      // A bounded conversation loses its oldest messages.
      if (isFull(answer)) forget(before + messages.length - answer.before);
      if (answer.before === before + messages.length) {
        if (chosenClient() !== id) return;
        if (!behind && answer.after === 0) return append(answer.messages);
        // Too much has come to draw all of it; the person may be reading.
        if (!atEnd()) {
          behind = behind || answer.messages.length > 0;
          newest.hidden = !behind;
          return drawFrame();
        }
      }
    }
    // Something was taken away, or the latest ones are far from those here.
    answer = await around(id, wanted);
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
  behind = answer.after > 0;
  drawAll();
  if (wanted === null) toEnd();
  else pointAt(wanted);
  wanted = null;
});

// around fetches the messages about one, or the latest ones.
async function around(id, message) {
  if (message === null) return ask(path(id) + query({ limit: pageSize }));
  const older = await ask(path(id) + query({ before: message, limit: pageSize }));
  const newer = await ask(path(id) + query({ after: older.messages.at(-1)?.id ?? String(BigInt(message) - 1n), limit: pageSize }));
  return { messages: [...older.messages, ...newer.messages], before: older.before, after: newer.after };
}

/** Shows a message of a client, in the middle of its conversation. */
export function reveal(client, message) {
  wanted = message;
  show("talk");
  if (chosenClient() === client) refresh();
  else choose(client);
}

function pointAt(id) {
  newest.hidden = !behind;
  const element = area.querySelector(`[data-id="${id}"]`);
  if (!element) return toEnd();
  element.scrollIntoView({ block: "center" });
  element.classList.add("pointed");
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  setTimeout(() => element.classList.remove("pointed"), 3000);
}

// isFull reports whether a conversation has as many messages as are kept.
const isFull = (answer) => answer.before + answer.messages.length + answer.after === state.status?.max_messages;

// forget takes the oldest messages away.
function forget(count) {
  if (count <= 0 || count >= before + messages.length) return;
  const older = Math.min(count, before);
  before -= older;
  undraw(messages.splice(0, count - older));
  if (before === 0) area.querySelector(".older")?.remove();
}

function undraw(some) {
  for (const message of some) {
    const element = area.querySelector(`[data-id="${message.id}"]`);
    // The day stands before its first message, and goes with its last one.
    const day = element?.previousElementSibling;
    const next = element?.nextElementSibling;
    if (day?.classList.contains("day") && (!next || next.classList.contains("day"))) day.remove();
    element?.remove();
  }
}

function append(fresh) {
  const wasAtEnd = atEnd();
  if (fresh.length > 0) {
    const last = messages.at(-1);
    messages.push(...fresh);
    area.append(...elements(fresh, last));
    if (messages.length > mostDrawn && wasAtEnd) {
      const surplus = messages.length - mostDrawn / 2;
      if (before === 0) area.prepend(olderButton());
      before += surplus;
      undraw(messages.splice(0, surplus));
    }
  }
  drawFrame();
  if (wasAtEnd) toEnd();
  else if (fresh.length > 0) newest.hidden = false;
}

const olderButton = () => el("button", { type: "button", class: "older", onclick: older }, t("older"));

async function older() {
  if (loadingOlder || before === 0 || !shown) return;
  loadingOlder = true;
  const id = shown;
  try {
    const answer = await attempt(() => ask(path(id) + query({ before: messages[0].id, limit: pageSize })));
    if (!answer || id !== shown) return;
    const first = messages[0];
    const fromEnd = area.scrollHeight - area.scrollTop;
    messages.unshift(...answer.messages);
    before = answer.before;
    // Only what is new is drawn. The day of what was the first may begin earlier.
    const button = area.querySelector(".older");
    if (first && written(answer.messages.at(-1)?.time ?? first.time, "day") === written(first.time, "day")) {
      area.querySelector(".day")?.remove();
    }
    button?.after(...elements(answer.messages, null));
    if (before === 0) button?.remove();
    area.scrollTop = area.scrollHeight - fromEnd;
    if (messages.length > mostDrawn) {
      undraw(messages.splice(mostDrawn));
      behind = true;
      newest.hidden = false;
    }
  } finally {
    loadingOlder = false;
  }
}

const atEnd = () => area.scrollHeight - area.scrollTop - area.clientHeight < 60;

function toEnd() {
  area.scrollTop = area.scrollHeight;
  newest.hidden = true;
}

// toNewest leads to the end of the conversation, which may not be here.
async function toNewest() {
  if (behind) {
    shown = null;
    await refresh();
  }
  toEnd();
}

function drawAll() {
  const top = before > 0 ? [olderButton()] : [];
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
  parts.push(el("span", { class: "meta" }, el("time", { datetime: message.time }, written(message.time, "clock")), mark(message, side), traceButton(message)));
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
  await toNewest();
}

async function write(event) {
  event.preventDefault();
  const text = input.value;
  const id = chosenClient();
  if (text.trim() === "" || !id) return;
  setDraft("");
  const sent = await attempt(() => ask(path(id), { method: "POST", body: { text, employee: author.value } }));
  if (!sent && input.value === "" && chosenClient() === id) setDraft(text);
  await refresh();
  await toNewest();
}

function setDraft(text) {
  input.value = text;
  setPlace("draft", text);
}

const author = byId("write-as");

// Who writes: the client, or one of the employees.
async function fillAuthors() {
  const team = await attempt(() => ask("team"));
  if (!team) return;
  const chosen = author.value;
  author.replaceChildren(el("option", { value: "" }, t("as_client")),
    ...team.employees.map((one) => el("option", { value: one.email }, t("as_employee", { email: one.email }))));
  author.value = chosen;
}

function nameInput() {
  const name = author.value === "" ? t("write_as_client") : t("write_as_employee");
  input.placeholder = name;
  input.setAttribute("aria-label", name);
  byId("attach").hidden = author.value !== "";
}

/** Starts the conversation. */
export function startConversation() {
  byId("write").addEventListener("submit", write);
  newest.addEventListener("click", async () => {
    await toNewest();
    if (document.activeElement === newest || document.activeElement === document.body) input.focus();
  });
  area.addEventListener("scroll", () => {
    if (area.scrollTop < 80) older();
    if (atEnd() && !behind) newest.hidden = true;
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
    behind = false;
    about = null;
    fill(area);
    newest.hidden = true;
    input.value = inPlace("draft");
    refresh();
  });
  on("place", () => { if (input.value !== inPlace("draft")) input.value = inPlace("draft"); });
  input.addEventListener("input", () => setPlace("draft", input.value));
  author.addEventListener("change", nameInput);
  author.firstElementChild.textContent = t("as_client");
  nameInput();
  fillAuthors();
  startAttaching((attachment) => attempt(async () => {
    await ask(path(chosenClient()), { method: "POST", body: { text: input.value, attachments: [attachment] } });
    setDraft("");
    await refresh();
    await toNewest();
  }));
  const soon = paced(refresh, 100);
  on("state", () => { if (!chosenClient() || shown === null || touches(chosenClient())) soon(); else drawFrame(); });
  on("writing", () => {
    writing = true;
    drawFrame();
  });
  onLanguage(() => {
    if (shown) drawAll();
    else drawFrame();
    author.firstElementChild.textContent = t("as_client");
    nameInput();
  });
  drawFrame();
  refresh(); // a chat may have been chosen already
}
