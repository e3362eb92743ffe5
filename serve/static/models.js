// The models a caller may name, by provider.

import { byId, make } from "./dom.js";

const AUTO = "auto";

/** Fill the select from the service's list; what cannot be called stays visible, with its reason. */
export function showModels(models) {
  const select = byId("model");
  const chosen = select.value;
  const auto = models.find((model) => model.id === AUTO);
  select.replaceChildren(makeOption({ available: true, ...auto, id: "" }, "Auto"), ...makeGroups(models));
  select.value = chosen;
  byId("model-note").textContent = "";
  const notes = new Map(models.map((model) => [model.id, noteOn(model)]));
  select.onchange = () => {
    byId("model-note").textContent = notes.get(select.value) ?? "";
  };
}

function makeGroups(models) {
  // Intents come from us, as "auto" does; the page has a control of its own for them.
  const own = models.find((model) => model.id === AUTO)?.owned_by;
  const named = models.filter((model) => model.owned_by !== own);
  const owners = [...new Set(named.map((model) => model.owned_by))];
  return owners.map((owner) => {
    const options = named.filter((model) => model.owned_by === owner).map((model) => makeOption(model, model.id));
    return make("optgroup", { label: owner }, ...options);
  });
}

function makeOption(model, name) {
  const textContent = model.available ? name : `${name} (${shorten(model.reason)})`;
  return make("option", { value: model.id, textContent, disabled: !model.available });
}

/** The reason is a whole sentence for callers of the API, with advice after it; a line of a list has room for its core. */
function shorten(reason) {
  return reason.replace(/^model .*? cannot answer: /, "").split(/[.;] /)[0];
}

/** Without the list there is still Auto. */
export function showNoModels(error) {
  byId("model-note").textContent = `The models could not be listed: ${error.message}`;
}

function noteOn(model) {
  const calls = `Always this one: calls ${model.vendor_model} at ${model.owned_by}.`;
  return model.id !== model.vendor_model && model.status === "shutdown" ? `${calls} Retired upstream.` : calls;
}
