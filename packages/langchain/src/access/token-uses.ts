import type { TokenUse } from '@credence/core';
import { runningTrace } from './call-trace.ts';

/** What the requests to one server have shown about the access tokens of the bot. It never has a token. */
export class TokenUses {
  #last: { readonly use: TokenUse; readonly atMs: number } | undefined;

  /** Called by `fetchFor` before each request. */
  readonly note = (use: TokenUse): void => {
    this.#last = { use, atMs: performance.now() };
    const trace = runningTrace();
    if (trace?.server !== use.server) return;
    trace.scopes = use.scopes;
    trace.tokenAgeMs = Math.round(use.ageMs);
  };

  /** The scopes of the last token, with those that step-ups have added. Undefined before the first request. */
  get scopes(): readonly string[] | undefined {
    return this.#last?.use.scopes;
  }

  /** The present age of the last token, in milliseconds. */
  get ageMs(): number | undefined {
    return this.#last && Math.round(this.#last.use.ageMs + performance.now() - this.#last.atMs);
  }
}
