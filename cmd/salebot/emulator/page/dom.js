// Builds elements. Whatever is shown goes through text nodes, so that it can
// never become markup.

/** Returns an element. Properties: class, on<Event>, dataset, other names are
 * attributes; null and false leave an attribute out. */
export function el(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === "") continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replaces the content of an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

export const byId = (id) => document.getElementById(id);

/** Puts the focus on an element if what had it is gone. A person who has gone on
 * to another element keeps it, so that nothing is typed into a wrong place. */
export function refocus(id) {
  if (document.activeElement === document.body) byId(id)?.focus({ preventScroll: true });
}

/** Links to http and https only; anything else is shown as text. */
export function link(address, caption) {
  let safe = false;
  try {
    safe = ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    // Not an address.
  }
  if (!safe) return el("span", { class: "mono" }, caption ?? address);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, caption ?? address);
}

/** Runs a function that asks the server so that it never runs twice at once;
 * calls in the meantime make it run once more. */
export function oneAtATime(run) {
  let running = null;
  let again = false;
  return function () {
    if (running) {
      again = true;
      return running;
    }
    running = (async () => {
      try {
        do {
          again = false;
          await run();
        } while (again);
      } finally {
        running = null;
      }
    })();
    return running;
  };
}

/** Copies a text and says so on the button. */
export async function copy(button, text, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The clipboard is closed to pages that do not come from this machine.
    const area = el("textarea", { class: "unseen", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = done;
  setTimeout(() => { button.textContent = before; }, 1500);
}
