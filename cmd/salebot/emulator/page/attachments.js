// Files of messages: how they are shown, and how a person attaches one.
import { byId, el, link } from "./dom.js";
import { ask, query, upload } from "./server.js";
import { attempt } from "./shared.js";
import { t } from "./words.js";

// Pictures come from anywhere, and whoever serves one learns that it was looked at.
// So those of the emulator itself are shown, and others once the person says so.
const allowed = "pictures";

function picturesAllowed() {
  try {
    return localStorage.getItem(allowed) === "yes";
  } catch {
    return false;
  }
}

function allowPictures() {
  try {
    localStorage.setItem(allowed, "yes");
  } catch {
    // Then they are shown until the page is closed.
  }
  for (const place of document.querySelectorAll(".picture-place")) place.replaceWith(picture(place.dataset.url));
}

function safeURL(address) {
  try {
    const url = new URL(address);
    return ["http:", "https:"].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

function picture(address) {
  const image = el("img", { class: "picture", src: address, alt: t("picture_of_message"), loading: "lazy", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.replaceWith(el("span", { class: "hint" }, t("picture_missing"))));
  return image;
}

/** Draws an attachment of a message. */
export function attachmentPart(attachment) {
  if (attachment.phone_number) return el("p", { class: "attachment" }, t("contact", { phone: attachment.phone_number }));
  const kind = ["image", "video", "audio", "file", "link"].includes(attachment.type) ? t(attachment.type) : attachment.type || t("file");
  const address = attachment.url ?? "";
  const url = attachment.type === "image" && safeURL(address);
  return el("div", { class: "attachment" },
    !url ? null : url.origin === location.origin || picturesAllowed() ? picture(address)
      : el("button", { type: "button", class: "picture-place", dataset: { url: address }, onclick: allowPictures }, t("show_pictures")),
    el("p", {}, kind + ": ", link(address, url && url.origin === location.origin ? decodeURIComponent(url.pathname.split("/").at(-1)) : address)));
}

/** Starts the dialog in which a file is attached; send gets {type, url}. */
export function startAttaching(send) {
  const dialog = byId("attach-dialog");
  const form = byId("attach-form");
  const problem = form.querySelector(".problem");
  byId("attach").addEventListener("click", () => {
    form.reset();
    problem.hidden = true;
    dialog.showModal();
  });
  byId("attach-cancel").addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { file, url, type } = form.elements;
    const complain = (text) => {
      problem.textContent = text;
      problem.hidden = false;
    };
    try {
      let attachment;
      if (file.files.length > 0) attachment = await upload("files" + query({ name: file.files[0].name }), file.files[0]);
      else if (safeURL(url.value.trim())) attachment = { type: type.value, url: url.value.trim() };
      else return complain(t("attach_nothing"));
      dialog.close();
      await send({ type: attachment.type, url: attachment.url });
    } catch (error) {
      complain(error.message);
    }
  });
}
