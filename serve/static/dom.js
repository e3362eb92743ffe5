// The few things the page does to the document. Text goes in as text nodes only: a prompt is never markup.

/** The element with this id; one that is missing is a mistake in index.html. */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

/** A new element with these properties and children; a string becomes a text node. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Say something in a live region, but only if it is news: the same words twice would be read out twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
