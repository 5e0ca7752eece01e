// What the parts of the page share: the state of the emulator and how times are
// written.
import { byId, el } from "./dom.js";
import { chosenClient, follow as followPlace, onPlace } from "./place.js";
import { currentLanguage, t } from "./words.js";

/** The latest state that the emulator told, and the clock's distance from ours. */
export const state = { now: null, status: null, ahead: 0, changed: null };

const subjects = { state: [], writing: [] };
let known = -1; // the revision of the clients that we have heard of

/** Calls a function when a chat is chosen ("chosen"), when something happened in
 * the emulator ("state"), when the person wants to write ("writing") or when the
 * address was changed ("place"). */
export const on = (subject, run) => (subjects[subject] ? subjects[subject].push(run) : onPlace(subject, run));

/** Goes where the address says. */
export function follow() {
  if (followPlace()) show(chosenClient() ? "talk" : "chats");
}

/** Puts the focus where one writes, as soon as that is possible. */
export function wantToWrite() {
  for (const run of subjects.writing) run();
}

/** Takes a new state of the emulator, and which clients have changed. */
export function take(status) {
  state.status = status;
  // Whoever missed an event does not know what was in it.
  state.changed = status.clients_all || status.clients_since !== known ? null : new Set(status.clients_changed);
  known = status.clients_until;
  state.ahead = Date.parse(status.now) - Date.now();
  for (const run of subjects.state) run(status);
}

/** Reports whether the latest event may be about a client. */
export const touches = (id) => state.changed === null || state.changed.has(id);

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

/** Writes how long something took, in milliseconds. */
export function took(ms) {
  if (ms < 1) return t("ms", { n: "<1" });
  return ms < 1000 ? t("ms", { n: String(Math.round(ms)) }) : t("seconds", { n: (ms / 1000).toFixed(1) });
}

/** Makes a function that runs at once, but not again before a pause has passed; what
 * is asked for in between happens then. */
export function paced(run, pause) {
  let last = -Infinity;
  let timer = null;
  return () => {
    if (timer) return;
    const wait = last + pause - performance.now();
    if (wait <= 0) {
      last = performance.now();
      run();
      return;
    }
    timer = setTimeout(() => {
      timer = null;
      last = performance.now();
      run();
    }, wait);
  };
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

/** Lets a button say for a moment that something was done. */
export function sayOn(button, done, usual) {
  button.textContent = done;
  setTimeout(() => { button.textContent = usual; }, 1500);
}
