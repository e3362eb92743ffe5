// The service's own API key: asked for when the service asks, kept in this tab.

import { keepKey } from "./api.js";
import { byId, say } from "./dom.js";

const ASK = "This service wants an API key. It is kept in this tab only.";
const REFUSED = "The service refused this key.";
// What an HTTP header carries; fetch throws on the rest as if the network had failed.
const SENDABLE = /^[\x21-\x7e]+$/;

let given = false;

/** Calls `onKey` whenever a new key was entered. */
export function setUpKey(onKey) {
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const value = byId("key").value.trim();
    if (!SENDABLE.test(value)) return say(byId("key-note"), "A key has letters, digits and signs only, no spaces.");
    given = true;
    keepKey(value);
    byId("key-form").hidden = true;
    onKey();
  });
}

/** Show the field if the error is about the key. */
export function askForKey(error) {
  if (error.status !== 401) return;
  byId("key-form").hidden = false;
  say(byId("key-note"), given ? REFUSED : ASK);
}
