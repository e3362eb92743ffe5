// One picture at a time: from the button to the picture, the error or the cancellation.

import { generate } from "./api.js";
import { byId } from "./dom.js";
import { makeRecord } from "./result.js";
import { showBusy, showCancelled, showFailure, showPicture } from "./stage.js";

const TICK_MS = 100;

let running = null;

export const isBusy = () => running !== null;
export const cancel = () => running?.abort();

/** Draw what is wished for and show how it ended; `onError` hears of every error but a cancellation. */
export async function draw(wishes, { onDecision, onError }) {
  running = new AbortController();
  const started = performance.now();
  const stopClock = showClock(started);
  showBusy(wishes.aspect_ratio);
  try {
    const answer = await generate(wishes, running.signal);
    const record = makeRecord(wishes.prompt, answer, performance.now() - started);
    await preload(record.address);
    showPicture(record);
    onDecision(record.routing);
  } catch (error) {
    if (error.name === "AbortError") return showCancelled();
    showFailure(error);
    onError(error);
  } finally {
    running = null;
    stopClock();
  }
}

/** The picture appears in one piece; one that cannot be loaded says so where it should have been. */
const preload = (address) => Object.assign(new Image(), { src: address }).decode().catch(() => {});

/** Busy until the returned function is called. */
function showClock(started) {
  const text = byId("generate-text");
  const tick = () => {
    text.textContent = `Generating ${((performance.now() - started) / 1000).toFixed(1)} s`;
  };
  const timer = setInterval(tick, TICK_MS);
  tick();
  setButtons(true);
  return () => {
    clearInterval(timer);
    text.textContent = "Generate";
    setButtons(false);
  };
}

/** A disabled button would lose the keyboard's place, so it only says that it is. */
function setButtons(busy) {
  const [button, stop] = [byId("generate"), byId("cancel")];
  button.ariaDisabled = String(busy);
  if (!busy && document.activeElement === stop) button.focus();
  stop.hidden = !busy;
}
