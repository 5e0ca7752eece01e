// Talks to the control API.
import { t } from "./words.js";

/** A call that the emulator refused or did not answer. */
export class Refused extends Error {
  constructor(text, status = 0) {
    super(text);
    this.status = status;
  }
}

/** Calls an endpoint and returns what it answers. */
export async function ask(path, { method = "GET", body, signal } = {}) {
  let response;
  try {
    response = await fetch("/_emulator/" + path, {
      method,
      signal,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(t("offline"));
  }
  let answer;
  try {
    answer = await response.json();
  } catch {
    throw new Refused(t("offline"));
  }
  if (!response.ok) throw new Refused(answer.error ?? String(response.status), response.status);
  return answer;
}

/** Uploads a file and returns what the emulator answers. */
export async function upload(path, file) {
  let response;
  try {
    response = await fetch("/_emulator/" + path, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
  } catch {
    throw new Refused(t("offline"));
  }
  const answer = await response.json();
  if (!response.ok) throw new Refused(answer.error ?? String(response.status), response.status);
  return answer;
}

/** Writes a query. Empty values are left out. */
export function query(values) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== "" && value !== null && value !== undefined) parameters.set(name, value);
  }
  const text = parameters.toString();
  return text && "?" + text;
}

/** Listens to the emulator for as long as the page is visible. Each event is a
 * whole state, so that nothing is missed while it is not. */
export function listen(onState, onConnection) {
  let source = null;
  let retry = null;
  const close = () => {
    clearTimeout(retry);
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    source = new EventSource("/_emulator/events");
    source.addEventListener("open", () => onConnection(true));
    source.addEventListener("state", (event) => onState(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      onConnection(false);
      // The browser tries again by itself unless it was refused.
      if (source?.readyState === EventSource.CLOSED) {
        close();
        retry = setTimeout(open, 2000);
      }
    });
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
}
