// How numbers and names are written on the page.

const DOLLARS = new Intl.NumberFormat("en-US", {
  style: "currency",
  currency: "USD",
  minimumFractionDigits: 2,
  maximumFractionDigits: 5,
});
const HINTS = {
  preview: "a quick draft is enough",
  text_heavy: "the lettering has to be right",
  complex_logic: "many things have to fit together",
};

export const dollars = (amount) => DOLLARS.format(amount);
export const milliseconds = (ms) => `${Math.round(ms).toLocaleString("en-US")} ms`;

/** "87%"; what is nearly certain or nearly excluded is not rounded to a certainty. */
export function percent(share) {
  if (share > 0.99 && share < 1) return ">99%";
  if (share > 0 && share < 0.01) return "<1%";
  return `${Math.round(share * 100)}%`;
}

/** "text_heavy" as people read it. */
export const spoken = (label) => label.replaceAll("_", " ");
export const titled = (label) => capital(spoken(label));
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** What a decision says in a line; labels of one's own have no hint. */
export function verdict({ intent, abstained }) {
  if (abstained) return "Abstains — the default model answers";
  const hint = HINTS[intent];
  return hint ? `${titled(intent)}: ${hint}` : titled(intent);
}

/** "1 attempt", "2 attempts". */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
