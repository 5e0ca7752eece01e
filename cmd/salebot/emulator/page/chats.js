// The list of chats. Only the rows that can be seen exist: the list is as high as
// all of them would be, and pages of it are fetched as they come into view.
import { byId, copy, el, fill, oneAtATime } from "./dom.js";
import { ask, query } from "./server.js";
import { chosenClient, choose, inPlace, setPlace } from "./place.js";
import { attempt, brief, on, paced, show, state, wantToWrite } from "./shared.js";
import { onLanguage, t } from "./words.js";

const rowHeight = 64;
const pageSize = 100;
const pages = new Map(); // number of the page -> chats
let total = 0;
let known = false;
let focused = -1; // place of the row that the keyboard is on
let focusedID = null;
let complete = false; // the first rows come without times and numbers

const list = byId("chat-list");
const rows = byId("chat-rows");
const search = byId("search");
const messenger = byId("messenger");

const at = (place) => pages.get(Math.floor(place / pageSize))?.[place % pageSize];

function visible() {
  const first = Math.max(0, Math.floor(list.scrollTop / rowHeight) - 5);
  const last = Math.min(total, Math.ceil((list.scrollTop + list.clientHeight) / rowHeight) + 5);
  return [first, last];
}

const refresh = oneAtATime(async () => {
  const [first, last] = visible();
  const wanted = new Set([Math.floor(first / pageSize), Math.floor(Math.max(first, last - 1) / pageSize)]);
  const filter = { search: search.value.trim(), client_type: messenger.value };
  let answers;
  try {
    answers = await Promise.all([...wanted].map((page) => ask("clients" + query({ ...filter, offset: page * pageSize, limit: pageSize }))));
  } catch {
    return; // the sign of the connection says it
  }
  pages.clear();
  for (const answer of answers) {
    pages.set(Math.floor(answer.offset / pageSize), answer.clients);
    total = answer.total;
  }
  const begins = !known;
  known = true;
  if (focusedID) {
    const page = [...pages.entries()].find(([, chats]) => chats.some((chat) => chat.id === focusedID));
    if (page) focused = page[0] * pageSize + page[1].findIndex((chat) => chat.id === focusedID);
  }
  focused = Math.min(focused, total - 1);
  draw();
  if (begins) {
    performance.mark("chats");
    // Writing its first time takes a browser longer than all these rows.
    requestAnimationFrame(() => setTimeout(() => {
      complete = true;
      draw();
    }));
  }
});

function draw() {
  rows.style.height = total * rowHeight + "px";
  const [first, last] = visible();
  const shown = [];
  let missing = false;
  for (let place = first; place < last; place++) {
    const chat = at(place);
    missing ||= !chat;
    shown.push(row(place, chat));
  }
  rows.replaceChildren(...shown);
  if (focused >= 0) list.setAttribute("aria-activedescendant", "chat-" + focused);
  else list.removeAttribute("aria-activedescendant");
  byId("chats-total").textContent = known && complete ? t("clients_total", { n: total }) : "";
  list.hidden = known && total === 0;
  drawEmpty();
  if (missing) refresh();
}

function row(place, chat) {
  const element = el("div", {
    id: "chat-" + place, class: "chat", role: "option", dataset: { place },
    "aria-selected": String(chat !== undefined && chat.id === chosenClient()),
    "aria-setsize": total, "aria-posinset": place + 1,
  });
  element.style.transform = `translateY(${place * rowHeight}px)`;
  if (place === focused) element.classList.add("focused");
  if (!chat) return element;
  const name = chat.name || chat.platform_id;
  element.append(
    el("span", { class: "avatar", "aria-hidden": "true", dataset: { color: Number(chat.client_type) % 6 } }, initial(name)),
    el("span", { class: "chat-name" }, el("bdi", {}, name)),
    el("time", { class: "chat-time", datetime: chat.active }, complete ? brief(chat.active) : ""),
    el("span", { class: "chat-last" }, lastText(chat)),
    el("span", { class: "chat-messenger" }, chat.messenger),
  );
  if (chat.unreachable) element.append(el("span", { class: "chat-mark", title: t("not_delivered", { error: chat.unreachable }) }, "!"));
  return element;
}

const initial = (name) => [...name.trim()][0]?.toUpperCase() ?? "?";

function lastText(chat) {
  if (!chat.last) return "";
  const before = { client: "", callback: "⚡ " }[chat.last.from] ?? "← ";
  const attached = chat.last.attachments.length > 0 ? "[" + t(chat.last.attachments[0].phone_number ? "contact_short" : "file") + "] " : "";
  return before + attached + chat.last.text.replace(/\s+/g, " ");
}

function drawEmpty() {
  const empty = byId("chats-empty");
  empty.hidden = !known || total > 0;
  if (empty.hidden) return fill(empty);
  const filtered = search.value.trim() !== "" || messenger.value !== "";
  const kind = (filtered ? "filtered" : "empty") + document.documentElement.lang;
  if (empty.dataset.kind === kind && empty.childElementCount > 0) return;
  empty.dataset.kind = kind;
  if (filtered) {
    fill(empty, el("p", {}, t("nothing_found")), el("button", { type: "button", onclick: clearFilters }, t("clear_search")));
    return;
  }
  fill(empty, el("h3", {}, t("no_chats_title")), guide());
}

/** Says how the first chat comes into being. */
export const guide = () => el("div", { class: "guide" },
  el("p", {}, t("no_chats")),
  command(firstCall()),
  el("p", {}, t("no_chats_or")),
  el("button", { type: "button", class: "main", onclick: openDialog }, t("new_client")));

function clearFilters() {
  search.value = "";
  messenger.value = "";
  filterChanged();
  search.focus();
}

const firstCall = () => `curl -H 'Content-Type: application/json' \\
  -d '{"user_id": "100200300", "group_id": "my_shop_bot", "message": "/start"}' \\
  "${location.origin}/api/$SALEBOT_API_KEY/tg_callback"`;

/** A command for a terminal, with a button that copies it. */
export function command(text) {
  const button = el("button", { type: "button", class: "copy" }, t("copy"));
  button.addEventListener("click", () => copy(button, text, t("copied")));
  return el("div", { class: "command" }, el("pre", { tabindex: "0" }, text), button);
}

/** The command that sends a message to a client. */
export const messageCall = (client) => `curl -H 'Content-Type: application/json' \\
  -d '{"client_id": ${client}, "message": "Hello"}' \\
  "${location.origin}/api/$SALEBOT_API_KEY/message"`;

function open(place) {
  const chat = at(place);
  if (!chat) return;
  focused = place;
  focusedID = chat.id;
  choose(chat.id);
  show("talk");
  draw();
}

function move(to) {
  if (total === 0) return;
  focused = Math.max(0, Math.min(total - 1, to));
  focusedID = at(focused)?.id ?? null;
  const top = focused * rowHeight;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + rowHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + rowHeight - list.clientHeight;
  draw();
}

function filterChanged() {
  setPlace("q", search.value.trim());
  setPlace("messenger", messenger.value);
  list.scrollTop = 0;
  focused = -1;
  focusedID = null;
  pages.clear();
  refresh();
}

function openDialog() {
  byId("client-form").reset();
  byId("client-form").querySelector(".problem").hidden = true;
  byId("client-form").elements.client_type.value = "1";
  byId("client-dialog").showModal();
}

async function create(event) {
  event.preventDefault();
  const form = event.target;
  const problem = form.querySelector(".problem");
  const wanted = Object.fromEntries(new FormData(form));
  wanted.client_type = Number(wanted.client_type);
  try {
    const client = await ask("clients", { method: "POST", body: wanted });
    byId("client-dialog").close();
    search.value = "";
    messenger.value = "";
    setPlace("q", "");
    setPlace("messenger", "");
    focusedID = client.id;
    choose(client.id);
    show("talk");
    wantToWrite();
    await refresh();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
}

async function fillMessengers() {
  const answer = await attempt(() => ask("messengers"));
  if (!answer) return;
  const chosen = messenger.value;
  messenger.replaceChildren(messenger.firstElementChild, ...answer.messengers.map((m) => el("option", { value: m.client_type }, m.name)));
  messenger.value = chosen || inPlace("messenger");
  if (messenger.value !== chosen) refresh();
  byId("client-form").elements.client_type.replaceChildren(...answer.messengers.map((m) => el("option", { value: m.client_type }, m.name)));
}

/** Starts the list; it is done when the first chats are there. */
export function startChats() {
  search.value = inPlace("q");
  fillMessengers();
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(filterChanged, 150);
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && search.value !== "") {
      event.preventDefault();
      search.value = "";
      filterChanged();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      list.focus();
      move(Math.max(focused, 0));
    }
  });
  messenger.addEventListener("change", filterChanged);
  let waiting = false;
  list.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  });
  list.addEventListener("click", (event) => {
    const place = event.target.closest(".chat")?.dataset.place;
    if (place !== undefined) open(Number(place));
  });
  list.addEventListener("keydown", (event) => {
    const step = Math.max(1, Math.floor(list.clientHeight / rowHeight) - 1);
    const moves = {
      ArrowDown: focused + 1, ArrowUp: focused - 1, Home: 0, End: total - 1, PageDown: focused + step, PageUp: focused - step,
    };
    if (event.key in moves) {
      event.preventDefault();
      move(moves[event.key]);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(Math.max(focused, 0));
      if (event.key === "Enter") wantToWrite();
    } else if (event.key === "Escape") {
      search.focus();
    }
  });
  new ResizeObserver(() => draw()).observe(list);
  byId("new-client").addEventListener("click", openDialog);
  byId("client-cancel").addEventListener("click", () => byId("client-dialog").close());
  byId("client-form").addEventListener("submit", create);
  const soon = paced(refresh, 250);
  let before = null;
  on("state", (status) => {
    const same = state.changed?.size === 0 && before?.clients === status.clients;
    before = status;
    if (!same) soon();
  });
  on("place", () => {
    if (search.value.trim() === inPlace("q") && messenger.value === inPlace("messenger")) return;
    search.value = inPlace("q");
    messenger.value = inPlace("messenger");
    filterChanged();
  });
  on("chosen", draw);
  onLanguage(draw);
  // The page itself asked for these already; see index.html.
  return refresh();
}
