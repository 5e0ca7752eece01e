// What the parts of the page share: the state of the emulator, the chosen chat,
// and how times are written.
import { byId, el } from "./dom.js";
import { currentLanguage, t } from "./words.js";

/** The latest state that the emulator told, and the clock's distance from ours. */
export const state = { now: null, status: null, ahead: 0 };

const subjects = { chosen: [], state: [], writing: [] };
let chosen = null;

/** Calls a function when a chat is chosen ("chosen"), when something happened in
 * the emulator ("state") or when the person wants to write ("writing"). */
export const on = (subject, run) => subjects[subject].push(run);

/** Returns the number of the chosen client, or null. */
export const chosenClient = () => chosen;

/** Chooses a chat; null for none. The address names it, and Back returns to the
 * one before. */
export function choose(id) {
  if (id === chosen) return;
  chosen = id;
  if (!id) history.replaceState(null, "", location.pathname);
  else if (location.hash !== "#" + id) history.pushState(null, "", "#" + id);
  for (const run of subjects.chosen) run(id);
}

/** Chooses the chat that the address names. */
export function follow() {
  const named = location.hash.slice(1);
  if (named !== "" && !/^\d+$/.test(named)) return;
  const id = named === "" || /^0+$/.test(named) ? null : named.replace(/^0+/, "");
  if (id === chosen) return;
  choose(id);
  show(id ? "talk" : "chats");
}

/** Puts the focus where one writes, as soon as that is possible. */
export function wantToWrite() {
  for (const run of subjects.writing) run();
}

/** Takes a new state of the emulator. */
export function take(status) {
  state.status = status;
  state.ahead = Date.parse(status.now) - Date.now();
  for (const run of subjects.state) run(status);
}

/** Returns the emulator's time. */
export const emulatorNow = () => new Date(Date.now() + state.ahead);

const formats = new Map();

function format(kind) {
  const zone = state.status?.time_zone ?? "UTC";
  const key = [kind, currentLanguage(), zone].join();
  if (!formats.has(key)) {
    const options = {
      clock: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
      moment: { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
      full: { year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
      day: { year: "numeric", month: "long", day: "numeric" },
      short: { day: "2-digit", month: "short" },
      minutes: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    }[kind];
    const tongue = currentLanguage() === "en" ? "en-GB" : currentLanguage();
    let made;
    try {
      made = new Intl.DateTimeFormat(tongue, { ...options, timeZone: zone });
    } catch {
      made = new Intl.DateTimeFormat(tongue, { ...options, timeZone: "UTC" });
    }
    formats.set(key, made);
  }
  return formats.get(key);
}

/** Writes a time in the project's time zone. Kinds: clock, moment, full, day,
 * short, minutes. */
export const written = (time, kind) => format(kind).format(new Date(time));

/** Writes a time short: the hour today, the day otherwise. */
export function brief(time) {
  return written(time, "day") === written(emulatorNow(), "day") ? written(time, "minutes") : written(time, "short");
}

/** Tells the person that something did not work. */
export function complain(error) {
  if (error?.name === "AbortError") return;
  const notice = byId("notice");
  notice.textContent = t("failed", { error: error?.message ?? String(error) });
  notice.hidden = false;
  clearTimeout(complain.timer);
  complain.timer = setTimeout(() => { notice.hidden = true; }, 6000);
}

/** Runs what asks the emulator and complains where it fails. */
export async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    complain(error);
    return undefined;
  }
}

/** Shows one of the views of a narrow screen. */
export function show(view) {
  document.body.dataset.view = view;
  for (const button of document.querySelectorAll(".views button")) {
    button.setAttribute("aria-current", button.dataset.view === view ? "page" : "false");
  }
}

/** A text field in a monospaced box. */
export const code = (text, label) => el("pre", { tabindex: "0", "aria-label": label }, text);

// These turn the order of what is written around them.
const turning = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const escaped = (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");

/** Writes JSON so that a person can read it, and so that nothing in it can pretend
 * to stand somewhere else; other text stays as it is. */
export function readable(text) {
  const first = text.trimStart()[0];
  if (first !== "{" && first !== "[") return text;
  return indented(text) ?? text;
}

// The text is only laid out, because parsing would round large numbers.
function indented(text) {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  let out = "";
  let depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      const from = i;
      for (i++; text[i] !== '"'; i++) if (text[i] === "\\") i++;
      out += text.slice(from, i + 1).replace(turning, escaped);
    } else if (c === "{" || c === "[") {
      const close = c === "{" ? "}" : "]";
      const rest = text.slice(i + 1).match(/^\s*/)[0].length;
      if (text[i + 1 + rest] === close) {
        out += c + close;
        i += 1 + rest;
      } else {
        depth++;
        out += c + line();
      }
    } else if (c === "}" || c === "]") {
      depth--;
      out += line() + c;
    } else if (c === ",") out += c + line();
    else if (c === ":") out += ": ";
    else if (!/\s/.test(c)) out += c;
  }
  return out;
}
