// The right-hand side: empty, busy, a picture or an error; and the strip of this session's pictures.

import { makeDecision } from "./decision.js";
import { byId, make, say } from "./dom.js";
import { makeResult } from "./result.js";
import { milliseconds } from "./wording.js";

// In memory only: a reload forgets them, and nothing of a prompt stays in the browser.
const LONGEST_STRIP = 12;
const CANCELLED_ADVICE = "A provider that had the request already may still draw the picture and bill it.";
const records = [];

/** `ratio` such as "16:9": the place that the picture will take. */
export function showBusy(ratio) {
  byId("waiting").style.aspectRatio = ratio.replace(":", " / ");
  turnTo("busy");
  say(byId("announcer"), "Drawing the picture.");
}

/** Show a new picture, and keep it in the strip. */
export function showPicture(record) {
  records.unshift(record);
  records.splice(LONGEST_STRIP);
  showRecord(record);
  say(byId("announcer"), `Picture ready: drawn by ${record.routing.model} in ${milliseconds(record.ms)}.`);
}

/** Say what happened and what to do, with the decision where models were considered. */
export function showFailure(error) {
  turnTo("failure");
  say(byId("announcer"), "");
  byId("failure-text").replaceChildren(
    make("p", { className: "failure-message", textContent: error.message }),
    make("p", { textContent: error.advice }),
  );
  byId("failure-decision").replaceChildren(...(error.routing ? [makeDecision(error.routing)] : []));
}

/** The user's own doing: said in the same place, without alarm. */
export function showCancelled() {
  showFailure({ message: "Cancelled.", advice: CANCELLED_ADVICE });
  byId("failure").classList.add("calm");
}

function showRecord(record) {
  byId("result").replaceChildren(...makeResult(record));
  turnTo("result");
  showStrip(record);
}

function turnTo(state) {
  byId("failure-text").replaceChildren();
  byId("failure").classList.remove("calm");
  byId("stage").ariaBusy = String(state === "busy");
  for (const part of byId("stage").querySelectorAll("[data-state]")) part.hidden = part.dataset.state !== state;
}

function showStrip(current) {
  byId("history").hidden = false;
  byId("thumbnails").replaceChildren(...records.map((record) => makeThumbnail(record, record === current)));
}

function makeThumbnail(record, isCurrent) {
  const button = make(
    "button",
    { type: "button", className: "thumbnail", title: record.prompt, ariaLabel: `Show again: ${record.prompt}` },
    make("img", { src: record.address, alt: "" }),
  );
  if (isCurrent) button.ariaCurrent = "true";
  button.onclick = () => {
    showRecord(record);
    // The strip was drawn anew: the focus stays where the user is.
    byId("thumbnails").querySelector("[aria-current]").focus();
  };
  return make("li", {}, button);
}
