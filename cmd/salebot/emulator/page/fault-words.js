// What a fault does, in the language of the page.
import { currentLanguage, inEnglish, t } from "./words.js";

// What the emulator says about a request that a fault met.
const did = ["did_status", "did_retry_after", "did_delay", "did_reset_before", "did_reset_after", "did_reset_during", "did_truncated"];

function part(english) {
  for (const name of did) {
    const beginning = inEnglish(name).replace("{value}", "");
    if (beginning === inEnglish(name) ? english === beginning : english.startsWith(beginning)) return t(name, { value: english.slice(beginning.length) });
  }
  return english;
}

/** Returns what the emulator says that a fault did. */
export const faultDid = (english) => english.split(", ").map(part).join(", ");

const properties = {
  status: "did_status", content_type: "does_content_type", body: "does_body", page: "does_page", retry_after: "did_retry_after",
  retry_after_date: "does_date", execute: "does_execute", delay: "did_delay", truncate: "did_truncated", probability: "does_probability",
};

/** Returns what a property of a fault makes of a request. */
export function faultDoes(name, value) {
  if (name === "reset") return t("did_reset_" + value);
  return t(properties[name], { value: name === "probability" ? value.toLocaleString(currentLanguage(), { style: "percent", maximumFractionDigits: 3 }) : String(value) });
}
