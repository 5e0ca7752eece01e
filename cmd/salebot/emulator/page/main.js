// Starts the page.
import { byId, el } from "./dom.js";
import { listen } from "./server.js";
import { chosenClient } from "./place.js";
import { complain, emulatorNow, follow, on, show, state, take, written } from "./shared.js";
import { currentLanguage, languages, onLanguage, speak, t } from "./words.js";
import { startChats } from "./chats.js";

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Then it holds until the page is closed.
  }
}

function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function startSwitches() {
  const preferred = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => languages.includes(tag));
  const language = remembered("language") ?? preferred ?? "en";
  byId("language").value = languages.includes(language) ? language : "en";
  byId("language").addEventListener("change", (event) => {
    remember("language", event.target.value);
    speak(event.target.value);
  });
  const theme = byId("theme");
  theme.value = document.documentElement.dataset.theme ?? "auto";
  theme.addEventListener("change", () => {
    remember("theme", theme.value);
    if (theme.value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  });
}

// The link at the beginning leads to where one writes, or to what comes first.
function startSkip() {
  const skip = byId("skip");
  const name = () => { skip.textContent = t(chosenClient() ? "skip" : "skip_to_chats"); };
  skip.addEventListener("click", (event) => {
    event.preventDefault(); // the address names the chat
    show(chosenClient() ? "talk" : "chats");
    const first = [byId("write-text"), byId("chat-list"), byId("search")].find((element) => element.checkVisibility());
    first?.focus();
  });
  name();
  on("chosen", name);
  onLanguage(name);
}

let connected = null;

function connection(up) {
  connected = up;
  const live = byId("live");
  live.dataset.up = String(up);
  live.lastElementChild.textContent = t(up ? "live" : "reconnecting");
}

function tick() {
  if (!state.status) return;
  byId("now").textContent = written(emulatorNow(), "moment");
  const big = byId("pane-now");
  if (big) big.textContent = written(emulatorNow(), "full");
}

function showFaults() {
  const flag = byId("fault-flag");
  const n = state.status?.faults ?? 0;
  flag.hidden = n === 0;
  flag.replaceChildren(el("button", { type: "button" }, "⚠ " + t("faults_active", { n })));
}

byId("address").textContent = location.host;
startSwitches();
speak(byId("language").value);
const chats = startChats();
startSkip();
for (const button of document.querySelectorAll(".views button")) button.addEventListener("click", () => show(button.dataset.view));
show("chats");
onLanguage(() => {
  if (connected !== null) connection(connected);
  document.title = "Salebot " + t("emulator");
  showFaults();
  tick();
});
on("state", () => {
  showFaults();
  tick();
});
setInterval(tick, 1000);
document.title = "Salebot " + t("emulator");
await chats;
try {
  (await import("./tools.js")).startTools();
} catch (error) {
  complain(error);
}
follow();
addEventListener("popstate", follow);
addEventListener("hashchange", follow);
listen(take, connection);
document.documentElement.dataset.ready = currentLanguage();
