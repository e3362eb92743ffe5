// What the prompt is taken for, while it is typed.

import { classify } from "./api.js";
import { byId, make, say } from "./dom.js";
import { offerReasons, withdrawReasons } from "./why.js";
import { percent, titled, verdict } from "./wording.js";

const PAUSE_MS = 250;
const INVITATION = "Start typing to see what the prompt asks for.";
const EMPTY_ROWS = 3;

/** A function to call with every new text. Only the last text's answer is shown, in whatever order answers come. */
export function watchIntent({ onVersion, onError }) {
  let timer = null;
  let latest = new AbortController();
  clearIntent();
  return (text) => {
    clearTimeout(timer);
    latest.abort();
    latest = new AbortController();
    const { signal } = latest;
    withdrawReasons();
    if (text.trim() === "") return clearIntent();
    byId("bars").ariaBusy = "true";
    timer = setTimeout(() => readIntent(text, signal, { onVersion, onError }), PAUSE_MS);
  };
}

async function readIntent(text, signal, { onVersion, onError }) {
  try {
    const answer = await classify(text, signal);
    if (signal.aborted) return;
    showIntent(answer.data[0]);
    offerReasons(text, onError);
    onVersion(answer.model_version);
  } catch (error) {
    if (signal.aborted) return;
    clearIntent(error.message);
    onError(error);
  }
}

function showIntent(decision) {
  say(byId("verdict"), verdict(decision));
  byId("verdict").className = decision.abstained ? "verdict unsure" : "verdict known";
  byId("bars").ariaBusy = "false";
  const labels = Object.keys(decision.probabilities);
  const bars = barsFor(labels);
  labels.forEach((label, index) => setBar(bars[index], decision.probabilities[label], label === decision.intent));
}

/** No decision: grey tracks keep the place, so that nothing jumps when the first answer comes. */
function clearIntent(message = INVITATION) {
  say(byId("verdict"), message);
  byId("verdict").className = "verdict";
  byId("bars").ariaBusy = "false";
  const tracks = Array.from({ length: EMPTY_ROWS }, () => make("div", { className: "bar vacant" }, track()));
  byId("bars").replaceChildren(...tracks);
}

/** The rows on the page where they fit: reused, so that their widths glide. */
function barsFor(labels) {
  const present = [...byId("bars").querySelectorAll("[role=meter]")];
  if (present.map((bar) => bar.dataset.label).join() === labels.join()) return present;
  const bars = labels.map(makeBar);
  byId("bars").replaceChildren(...bars);
  return bars;
}

function makeBar(label) {
  const bar = make(
    "div",
    { className: "bar", role: "meter", ariaLabel: titled(label), ariaValueMin: "0", ariaValueMax: "100" },
    make("span", { className: "bar-name", textContent: titled(label) }),
    track(),
    make("span", { className: "bar-share" }),
  );
  bar.dataset.label = label;
  return bar;
}

const track = () => make("span", { className: "track" }, make("i"));

function setBar(bar, share, isTop) {
  bar.classList.toggle("top", isTop);
  bar.ariaValueNow = String(Math.round(share * 100));
  bar.ariaValueText = percent(share);
  bar.querySelector(".bar-share").textContent = percent(share);
  bar.querySelector("i").style.setProperty("--share", String(share));
}
