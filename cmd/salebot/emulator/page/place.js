// Where the person is: the chosen chat, and under names the tab, the filters and
// what is half written. All of it lives in the address, so that it survives a reload
// and can be sent to somebody: #25554&tab=requests&action=message.

const subjects = { chosen: [], place: [] };
let chosen = null;
let values = new URLSearchParams();
let followed = false; // before that the chat of the address is not chosen yet
const drafts = new Map(); // of the chats that are not open

/** Calls a function when another chat is chosen ("chosen") or the address was
 * changed by hand or by Back ("place"). */
export const onPlace = (subject, run) => subjects[subject].push(run);

/** Returns the number of the chosen client, or null. */
export const chosenClient = () => chosen;

/** Returns what the address says under a name, "" for nothing. */
export const inPlace = (name) => values.get(name) ?? "";

/** Lets the address say something under a name; empty takes it away. */
export function setPlace(name, value) {
  if (inPlace(name) === value) return;
  put(name, value);
  if (followed) history.replaceState(null, "", address());
}

function put(name, value) {
  if (value === "") values.delete(name);
  else values.set(name, value);
}

function address() {
  const rest = values.toString();
  const hash = (chosen ?? "") + (rest && "&" + rest);
  return hash === "" ? location.pathname : "#" + hash;
}

/** Chooses a chat; null for none. Back returns to the one before. */
export function choose(id) {
  if (id === chosen) return;
  if (chosen) drafts.set(chosen, inPlace("draft"));
  chosen = id;
  put("draft", drafts.get(id) ?? "");
  if (!id) history.replaceState(null, "", address());
  else if (location.hash !== address()) history.pushState(null, "", address());
  for (const run of subjects.chosen) run(id);
}

const read = () => new URLSearchParams(location.hash.slice(1).split("&").slice(1).join("&"));

/** Goes where the address says. Returns whether it names another chat. */
export function follow() {
  const named = location.hash.slice(1).split("&")[0];
  if (named !== "" && !/^\d+$/.test(named)) return false;
  followed = true;
  const id = named === "" || /^0+$/.test(named) ? null : named.replace(/^0+/, "");
  const moved = id !== chosen;
  if (moved && chosen) drafts.set(chosen, inPlace("draft"));
  values = read();
  chosen = id;
  if (moved) for (const run of subjects.chosen) run(id);
  for (const run of subjects.place) run();
  return moved;
}

values = read();
