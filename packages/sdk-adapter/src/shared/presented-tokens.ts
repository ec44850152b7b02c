import { isCredenceError, onTokenPresented } from '@credence/core';
import { isError, redactor } from '@credence/protocol';
import { isList, isMembers } from '../schema/json-value.ts';

type FetchOf<Input> = (input: Input, init?: RequestInit) => Promise<Response>;

/** The access tokens that are remembered. */
const MAX_TOKENS = 10;
/** The characters of the texts of one error that are kept. Each costs time to search. */
const MAX_CHARACTERS = 262_144;
/** What a text costs besides its characters, in characters. */
const COST_OF_TEXT = 16;
const SHORT = 32;
/** What is read of the body of an error response, in bytes, and how long, in milliseconds. */
const MAX_BODY_BYTES = 65_536;
const MAX_BODY_MS = 5_000;
const USABLE = /^\s*(?:application\/json|text\/event-stream)\s*(?:;|$)/iu;
/** The levels of an error that are kept. */
const MAX_DEPTH = 100;
/** A shorter token could be a word of the result. Real tokens are longer. */
const SHORTEST = 16;
const REMOVED = '[removed]';
const LEFT_OUT = '[left out: the error is too long]';

/**
 * The access tokens of one connection, which a server must not send back: errors are logged, a model reads results, and agents write
 * them to checkpoints and traces.
 */
export class PresentedTokens {
  readonly #tokens = new Set<string>();
  #redact: ((text: string) => string) | undefined;
  #spellings: readonly string[] | undefined;

  /** A fetch that remembers the tokens, and removes them from what the SDKs show of a response: an error body and two headers. */
  removing<Input extends string | URL | Request>(fetch: FetchOf<Input>): FetchOf<Input> {
    return async (input, init) => {
      const response = await fetch(
        input,
        onTokenPresented(init, (token) => this.add(token)),
      );
      if (!response.ok) {
        return this.#errorResponse(response, init?.method ?? (input instanceof Request ? input.method : undefined));
      }
      const type = response.headers.get('content-type') ?? '';
      return USABLE.test(type) || this.text(type) === type ? response : this.#withHeaders(response, response.body);
    };
  }

  add(token: string): void {
    if (this.#tokens.has(token)) return;
    this.#tokens.add(token);
    const [oldest] = this.#tokens;
    if (oldest !== undefined && this.#tokens.size > MAX_TOKENS) this.#tokens.delete(oldest);
    this.#redact = undefined;
    this.#spellings = undefined;
  }

  /** The text without the tokens, in each spelling that `redact` knows. */
  text(text: string): string {
    this.#redact ??= redactor([...this.#tokens]);
    return this.#redact(text.slice(0, MAX_CHARACTERS));
  }

  /** Removes the tokens from an error of an SDK, which has texts of the server. */
  error(error: unknown): void {
    if (!isError(error) || isCredenceError(error)) return;
    const { message, stack } = error;
    const clean = this.text(message);
    if (clean !== message) {
      error.message = clean;
      if (stack !== undefined) error.stack = stack.replace(message, () => clean);
    }
    if (!('data' in error) || !isMembers(error.data)) return;
    const texts = Object.entries(error.data).filter(([, value]) => typeof value === 'string');
    Object.assign(error.data, Object.fromEntries(texts.map(([key, text]) => [key, this.text(String(text))])));
  }

  /**
   * Removes the tokens from a message of the server. In a JSON-RPC error, and in a result that reports an error of a tool, every
   * spelling is found, and their texts are cut to a limited length. In other messages the usual spellings are found.
   */
  message(message: object): void {
    const budget = { left: MAX_CHARACTERS };
    if ('error' in message && isMembers(message.error) && !isCredenceError(message.error.data))
      message.error = this.#cleaned(message.error, budget);
    if ('result' in message && isMembers(message.result) && message.result.isError === true)
      message.result = this.#cleaned(message.result, budget);
    else if ('result' in message) this.#clean(message.result);
    if ('params' in message) this.#clean(message.params);
  }

  /** Removes the tokens from all texts of a value of JSON. Changes the value, and only where there is a token. */
  #clean(value: unknown): void {
    if (this.#tokens.size === 0) return;
    const open: object[] = typeof value === 'object' && value !== null ? [value] : [];
    for (let container = open.pop(); container !== undefined; container = open.pop()) {
      for (const [key, member] of Object.entries(container)) {
        if (typeof member === 'object' && member !== null) open.push(member);
        const name = this.#withoutSpellings(key);
        const clean: unknown = typeof member === 'string' ? this.#withoutSpellings(member) : member;
        if (name === key && clean === member) continue;
        if (name !== key) Reflect.deleteProperty(container, key);
        Object.defineProperty(container, name, { value: clean, enumerable: true, writable: true, configurable: true });
      }
    }
  }

  /** A text without the tokens in their usual spellings. Searching all spellings would cost more than the call. */
  #withoutSpellings(text: string): string {
    this.#spellings ??= [...this.#tokens]
      .filter(({ length }) => length >= SHORTEST)
      .flatMap((token) => spellingsOf(token));
    let clean = text;
    for (const spelling of this.#spellings) {
      if (clean.length >= spelling.length && clean.includes(spelling)) clean = clean.replaceAll(spelling, REMOVED);
    }
    return clean;
  }

  /** A copy of a value of JSON, with clean texts. */
  #cleaned(value: unknown, budget: { left: number }, depth = 0): unknown {
    if (typeof value === 'string') {
      const kept = Math.max(0, budget.left);
      budget.left -= value.length + COST_OF_TEXT;
      // A short text can be the type of a part of the result, without which the SDKs refuse the whole result.
      if (value.length <= Math.max(kept, SHORT)) return this.text(value);
      return kept === 0 ? LEFT_OUT : `${this.text(value.slice(0, kept))}…`;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (depth === MAX_DEPTH) return LEFT_OUT;
    if (isList(value)) {
      const cleaned: unknown[] = [];
      for (const item of value) {
        if (budget.left <= 0) break;
        cleaned.push(this.#cleaned(item, budget, depth + 1));
      }
      return cleaned;
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [this.text(key), this.#cleaned(member, budget, depth + 1)]),
    );
  }

  async #errorResponse(response: Response, method: string | undefined): Promise<Response> {
    if (response.body === null || method?.toUpperCase() !== 'POST') {
      await response.body?.cancel();
      return this.#withHeaders(response, null);
    }
    return this.#withHeaders(response, this.text(await startOf(response.body)));
  }

  #withHeaders(response: Response, body: string | ReadableStream<Uint8Array> | null): Response {
    const { status, statusText, headers } = response;
    const clean = new Headers(headers);
    const type = headers.get('content-type');
    if (type !== null) clean.set('content-type', this.text(type));
    return new Response(body, { status, statusText: this.text(statusText), headers: clean });
  }
}

/** A token, and the header with it, as they are, in base64, in hex and percent-encoded. */
function spellingsOf(token: string): string[] {
  const texts = [token, `Bearer ${token}`, `DPoP ${token}`];
  const encoded = texts.flatMap((text) => {
    const bytes = Buffer.from(text);
    return [bytes.toString('base64').replace(/=+$/u, ''), bytes.toString('base64url'), bytes.toString('hex')];
  });
  return [...new Set([token, encodeURIComponent(token), ...encoded])];
}

/** The start of the body of an error. The SDKs would read all of it, and ignore an error of the stream. */
async function startOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), MAX_BODY_MS);
  });
  let text = '';
  try {
    for (let bytes = 0; bytes < MAX_BODY_BYTES;) {
      const result = await Promise.race([reader.read(), timeUp]);
      if (!result || result.done) break;
      bytes += result.value.byteLength;
      text += decoder.decode(result.value, { stream: true });
    }
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => undefined);
  }
  return text;
}
