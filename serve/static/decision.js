// Why this model: every candidate with its reason, and every call that was made.

import { make } from "./dom.js";
import { capital, count, dollars, milliseconds } from "./wording.js";

/** The folded part of a result or of an error. */
export function makeDecision(routing) {
  const numbers = `${count(routing.candidates.length, "candidate")}, ${count(routing.attempts.length, "attempt")}`;
  const summary = make(
    "summary",
    {},
    make("span", { textContent: "How it was decided" }),
    make("span", { className: "note", textContent: numbers }),
  );
  return make("details", { className: "decision" }, summary, makeCandidates(routing), ...makeAttempts(routing));
}

function makeCandidates(routing) {
  const rows = routing.candidates.map((candidate) => makeCandidate(candidate, routing.model));
  return make("ol", { className: "candidates" }, ...rows);
}

function makeCandidate({ model, taken, reason }, drawer) {
  const place = model === drawer ? "drew it" : taken ? "on the route" : "thrown out";
  return make(
    "li",
    { className: taken ? "candidate" : "candidate out" },
    make("span", { className: "candidate-name", textContent: model }),
    make("span", { className: model === drawer ? "badge drawer" : "badge", textContent: place }),
    make("span", { className: "note", textContent: capital(reason) }),
  );
}

function makeAttempts(routing) {
  if (routing.attempts.length === 0) return [];
  const heads = ["Call", "Outcome", "Time", routing.sandbox ? "Would cost" : "Cost"];
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text })));
  const rows = routing.attempts.map((attempt) => makeAttempt(attempt, routing.sandbox));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
  return [make("h3", { className: "label", textContent: "Attempts" }), make("div", { className: "scroller" }, table)];
}

function makeAttempt(attempt, sandbox) {
  const outcome = attempt.status === null ? attempt.outcome : `${attempt.outcome} (${attempt.status})`;
  const billed = sandbox ? "" : `, billed: ${attempt.billed}`;
  const texts = [attempt.vendor_model, outcome, milliseconds(attempt.ms), `${dollars(attempt.cost_usd)}${billed}`];
  return make("tr", {}, ...texts.map((textContent) => make("td", { textContent })));
}
