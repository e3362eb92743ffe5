// What the service says of itself: the sandbox, what is missing, its classifier's version.

import { readReadiness } from "./api.js";
import { byId, make } from "./dom.js";
import { capital } from "./wording.js";

const SHORT_VERSION = 12;

/** Ask the service what it is, and show it. */
export async function showReadiness() {
  try {
    showState(await readReadiness());
  } catch (error) {
    byId("notices").replaceChildren(makeNotice("Note", `${error.message} ${error.advice}`));
  }
}

/** Say that a picture came from the sandbox, should the service not have said so before. */
export function noteSandbox({ sandbox }) {
  if (sandbox && !byId("notices").querySelector(".sandbox")) byId("notices").prepend(makeSandboxNotice([]));
}

export function showVersion(version) {
  byId("version").textContent = version ? `Classifier ${version.slice(0, SHORT_VERSION)}` : "No classifier";
  byId("version").title = version ?? "";
}

function showState({ status, sandbox, warnings = [], classifier_version: version }) {
  showVersion(version);
  // Warnings that leave a service with real keys working are for its operator, not for this page.
  const shown = sandbox || status !== "ready" ? warnings : [];
  byId("notices").replaceChildren(
    ...(sandbox ? [makeSandboxNotice(warnings)] : []),
    ...shown.map((text) => makeNotice("Note", capital(text))),
  );
}

/** With warnings there may be keys that the sandbox ignores; then the warnings tell what holds. */
function makeSandboxNotice(warnings) {
  const cause = warnings.length === 0 ? "no provider key is set, " : "";
  const notice = makeNotice("Sandbox", `${cause}pictures are drawn by a stand-in`);
  notice.classList.add("sandbox");
  return notice;
}

function makeNotice(name, text) {
  return make("p", { className: "notice" }, make("strong", { textContent: name }), `: ${text}`);
}
