// Wires the page: the parts know nothing of each other.

import { listModels } from "./api.js";
import { byId, say } from "./dom.js";
import { cancel, draw, isBusy } from "./generation.js";
import { watchIntent } from "./intent.js";
import { askForKey, setUpKey } from "./key.js";
import { showModels, showNoModels } from "./models.js";
import { noteSandbox, showReadiness, showVersion } from "./notices.js";

const ONE_COLUMN = matchMedia("(width < 900px)");
const composer = byId("composer");
const prompt = byId("prompt");
const readIntent = watchIntent({ onVersion: showVersion, onError: askForKey });

/** What /v1/generate is asked for; Auto is left out. */
function readWishes() {
  const { ratio, quality, model } = composer.elements;
  const named = model.value ? { model: model.value } : {};
  return { prompt: prompt.value, aspect_ratio: ratio.value, quality: quality.value, ...named };
}

async function submit(event) {
  event.preventDefault();
  if (isBusy()) return;
  if (prompt.value.trim() === "") {
    say(byId("prompt-problem"), "Type a prompt first.");
    prompt.focus();
    return;
  }
  await draw(readWishes(), { onDecision: noteSandbox, onError: askForKey });
  // Where the stage lies below the controls, go and see what came of it.
  if (ONE_COLUMN.matches) byId("stage").scrollIntoView();
}

function change() {
  say(byId("prompt-problem"), "");
  readIntent(prompt.value);
}

function takeExample(chip) {
  prompt.value = chip.title;
  prompt.focus();
  change();
}

function submitByKeys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) composer.requestSubmit();
}

async function loadModels() {
  try {
    showModels((await listModels()).data);
  } catch (error) {
    showNoModels(error);
    askForKey(error);
  }
}

function start() {
  composer.addEventListener("submit", submit);
  composer.addEventListener("keydown", submitByKeys);
  prompt.addEventListener("input", change);
  byId("cancel").addEventListener("click", cancel);
  for (const chip of composer.querySelectorAll(".chip")) chip.addEventListener("click", () => takeExample(chip));
  setUpKey(() => {
    loadModels();
    readIntent(prompt.value);
  });
  if (/Mac|iPhone|iPad/.test(navigator.platform)) byId("shortcut").textContent = "⌘ Enter";
  byId("generate").disabled = false;
}

start();
loadModels();
showReadiness();
// A reload may bring the text back without an event.
if (prompt.value) readIntent(prompt.value);
