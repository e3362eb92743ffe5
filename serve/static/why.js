// Why the prompt is taken for what it is. Asked for by a button: an explanation costs as much as many decisions.

import { explain } from "./api.js";
import { byId, say } from "./dom.js";
import { spoken } from "./wording.js";

const STRONGEST = 3;
const SIGNED = new Intl.NumberFormat("en-US", { signDisplay: "always", maximumFractionDigits: 1 });

let asking = new AbortController();

/** The shown decision is on this text: its reasons may be asked for. */
export function offerReasons(text, onError) {
  withdrawReasons();
  byId("why").onclick = () => showReasons(text, onError);
  byId("why").hidden = false;
}

/** The text has changed: reasons of the old one are neither shown nor waited for. */
export function withdrawReasons() {
  asking.abort();
  asking = new AbortController();
  byId("why").hidden = true;
  say(byId("reasons"), "");
}

async function showReasons(text, onError) {
  const { signal } = asking;
  try {
    const answer = await explain(text, signal);
    if (!signal.aborted) say(byId("reasons"), reasons(answer.data[0]));
  } catch (error) {
    if (signal.aborted) return;
    say(byId("reasons"), error.message);
    onError(error);
  }
}

/** The words that move the decision most: those for the top intent have a plus. */
function reasons({ intent, explanation }) {
  const strongest = explanation.words
    .filter(({ effect }) => Math.abs(effect) >= 0.1)
    .sort((one, other) => Math.abs(other.effect) - Math.abs(one.effect))
    .slice(0, STRONGEST);
  if (strongest.length === 0) return "No single word decides.";
  const words = strongest.map(({ text, effect }) => `“${text}” ${SIGNED.format(effect)}`);
  return `For ${spoken(intent)}, against ${spoken(explanation.runner_up)}: ${words.join(", ")}`;
}
