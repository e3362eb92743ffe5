// A finished picture with what is known about it.

import { imageAddress } from "./api.js";
import { makeDecision } from "./decision.js";
import { make } from "./dom.js";
import { capital, dollars, milliseconds, percent, titled } from "./wording.js";

/** A picture as the history keeps it. `ms` is what the user waited. */
export function makeRecord(prompt, answer, ms) {
  const [entry] = answer.data;
  return { prompt, ms, id: entry.id, address: imageAddress(entry.id), entry, routing: answer.routing };
}

/** What goes on the stage for a record. */
export function makeResult(record) {
  return [
    makeFigure(record),
    makeHeading(record),
    makeFacts(record),
    ...makeWarnings(record.routing.warnings),
    makeDecision(record.routing),
  ];
}

function makeFigure({ prompt, address }) {
  const image = make("img", { className: "picture", alt: prompt, src: address });
  image.onerror = () => image.replaceWith("The picture was drawn but cannot be loaded. Its link may work later.");
  const link = make("a", { href: address, target: "_blank", rel: "noopener", title: "Open in full size" }, image);
  return make("figure", {}, link, make("figcaption", { className: "note", textContent: prompt }));
}

function makeHeading({ id, address, routing }) {
  const vendor = `${routing.vendor_model} at ${routing.provider}`;
  return make(
    "div",
    { className: "drawn-by" },
    make("div", {}, make("h3", { textContent: routing.model }), make("p", { className: "note", textContent: vendor })),
    make("a", { className: "button", href: address, download: `prompt-intent-${id.slice(0, 8)}`, textContent: "Download" }),
  );
}

function makeFacts({ ms, entry, prompt, routing }) {
  const facts = [
    makeFact("Why", capital(routing.reason), "", "wide"),
    ...makeIntentFact(routing),
    makeFact("Time", milliseconds(ms)),
    makeFact("Cost", dollars(routing.cost_usd), routing.sandbox ? "sandbox: nothing was billed" : ""),
  ];
  if (entry.revised_prompt && entry.revised_prompt !== prompt) {
    facts.push(makeFact("The model’s own wording", entry.revised_prompt, "", "wide"));
  }
  return make("dl", { className: "facts" }, ...facts);
}

/** Nothing was classified where the caller named the model. */
function makeIntentFact({ intent, confidence, abstained }) {
  if (intent === null) return [];
  const sure = confidence === null ? "" : `${percent(confidence)} sure${abstained ? ", abstained" : ""}`;
  return [makeFact("Intent", titled(intent), sure)];
}

function makeFact(name, value, note = "", className = "") {
  const description = make("dd", {}, value);
  if (note) description.append(make("span", { className: "note", textContent: note }));
  return make("div", { className }, make("dt", { className: "label", textContent: name }), description);
}

function makeWarnings(warnings) {
  if (warnings.length === 0) return [];
  const lines = warnings.map((textContent) => make("li", { textContent: capital(textContent) }));
  return [make("ul", { className: "notice", ariaLabel: "Warnings" }, ...lines)];
}
