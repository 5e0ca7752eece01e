// From a message to the request that made it and the deliveries that told of it.
import { el, fill } from "./dom.js";
import { ask } from "./server.js";
import { attempt, show } from "./shared.js";
import { t } from "./words.js";

const reveals = { requests: null, webhook: null };

/** Says how an entry of a log is shown: "requests" or "webhook". */
export const onReveal = (log, run) => { reveals[log] = run; };

/** Shows an entry of a log. */
export function revealEntry(log, number) {
  show("panel");
  reveals[log]?.(number);
}

/** A button at a message that leads to its request and its deliveries. */
export function traceButton(message) {
  const button = el("button", { type: "button", class: "trace", title: t("trace"), "aria-label": t("trace"), "aria-expanded": "false" }, "⇄");
  button.addEventListener("click", () => attempt(async () => {
    const bubble = button.closest(".bubble");
    const open = bubble.querySelector(".traces");
    if (open) {
      open.remove();
      button.setAttribute("aria-expanded", "false");
      return;
    }
    const trace = await ask("messages/" + message.id);
    const place = el("span", { class: "traces" });
    const links = [
      trace.request ? entryLink("requests", trace.request, t("to_request", { n: trace.request })) : null,
      ...trace.deliveries.map((number) => entryLink("webhook", number, t("to_delivery", { n: number }))),
    ].filter(Boolean);
    fill(place, links.length > 0 ? links : t("no_trace"));
    bubble.append(place);
    button.setAttribute("aria-expanded", "true");
  }));
  return button;
}

const entryLink = (log, number, caption) =>
  el("button", { type: "button", class: "link", onclick: () => revealEntry(log, number) }, caption);
