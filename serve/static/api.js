// The service's paths, its errors and its key.

// Relative to this file, so that the page also works below a path of somebody's proxy.
const ROOT = new URL("..", import.meta.url);
const STORED_KEY = "prompt-intent.api-key";
const NETWORK_ADVICE = "Check that the service is still running, then try again. Your prompt is kept.";

const ADVICE_BY_CODE = {
  invalid_api_key: "Enter the key at the top of this page, then try again.",
  moderation_blocked: "Another wording may pass. No other model was tried: the verdict would be the same.",
  model_not_found: "Choose another model, or leave the choice to Auto.",
  upstream_auth_error: "Whoever runs this service has to renew that provider’s key. Another model may still answer.",
  upstream_quota_exhausted: "Whoever runs this service has to add credit there. Another model may still answer.",
  upstream_timeout: "It may have been drawn and billed all the same: generating again may cost twice.",
  storage_error: "Whoever runs this service has to make room for pictures.",
};

/** An answer that is not what was asked for: `message` says what happened, `advice` what to do now. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = null, routing = null, retryAfter = null } = {}) {
    super(message);
    Object.assign(this, { status, code, routing, advice: advise(status, code, retryAfter) });
  }
}

function advise(status, code, retryAfter) {
  if (code in ADVICE_BY_CODE) return ADVICE_BY_CODE[code];
  if (status === 0) return NETWORK_ADVICE;
  if (status === 429) return retryAfter ? `Try again in ${retryAfter} s.` : "Wait a moment, then try again.";
  if (status === 503) return "Whoever runs this service finds what is missing at /readyz.";
  if (status >= 500) return "Try again in a moment, or choose another model.";
  return "Change the prompt or the settings, then try again.";
}

/** Keep the key for this tab only. A browser that refuses storage still has it until the page is left. */
let key = null;
export function keepKey(value) {
  key = value;
  try {
    sessionStorage.setItem(STORED_KEY, value);
  } catch {
    // Nothing is lost but the key's life across a reload.
  }
}

function currentKey() {
  try {
    return key ?? sessionStorage.getItem(STORED_KEY);
  } catch {
    return key;
  }
}

export const classify = (prompt, signal) => send("v1/classify", { prompt }, signal);
export const explain = (prompt, signal) => send("v1/classify", { prompt, explain: true }, signal);
export const generate = (wishes, signal) => send("v1/generate", wishes, signal);
export const listModels = () => read("v1/models");

/** What the service says of itself; it answers 503 with the same fields when it is not ready. */
export async function readReadiness() {
  return parse(await reach("readyz", {}));
}

/** Where a picture lies: on this origin, whatever public address the service was given. */
export const imageAddress = (id) => new URL(`v1/images/${encodeURIComponent(id)}`, ROOT).href;

function send(path, body, signal) {
  const headers = { "content-type": "application/json" };
  return read(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function read(path, options = {}) {
  const response = await reach(path, options);
  const body = await parse(response);
  if (response.ok) return body;
  throw new ApiError(body?.error?.message ?? `The service answered ${response.status} without saying why.`, {
    status: response.status,
    code: body?.error?.code,
    routing: body?.routing,
    retryAfter: response.headers.get("retry-after"),
  });
}

async function reach(path, options) {
  const token = currentKey();
  const headers = { ...options.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return overNetwork(() => fetch(new URL(path, ROOT), { ...options, headers }));
}

async function parse(response) {
  const text = await overNetwork(() => response.text());
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(`The service answered ${response.status} with something that is not JSON.`, response);
  }
}

async function overNetwork(step) {
  try {
    return await step();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The service cannot be reached.");
  }
}
