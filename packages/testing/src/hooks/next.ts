import assert from 'node:assert/strict';
import type { AnswerEdit, FakeAnswer } from '../answers/answer.ts';
import { type FakeLeg, matches, type RequestFilter } from '../settings/leg.ts';
import type { FakeRequest } from '../requests/request-log.ts';
import type { Replacement } from './standing-answer.ts';

/** Details of a refusal. */
export interface RefusalDetails {
  /** The `error_description`. */
  readonly description?: string | undefined;
  /** The HTTP status. Default: the one that the error usually has in its leg. */
  readonly status?: number | undefined;
  /** For `insufficient_scope` of a call: the scopes of the challenge, separated by spaces. */
  readonly scope?: string | undefined;
}

/** Answers with a function. `ownAnswer` processes the request and resolves to the answer of the fake. */
export type Responder = (
  request: FakeRequest,
  ownAnswer: () => Promise<Response>,
) => FakeAnswer | Response | Promise<FakeAnswer | Response>;

/** What happens to the next request of a leg. Without a call of a method the request is answered as always. */
export interface NextAnswer {
  /** Refuses the request with this OAuth error, in the form of its leg: JSON of a token endpoint, or a challenge of the MCP server. */
  refuse(error: string, details?: RefusalDetails | string): NextAnswer;
  /** Sends this answer, for example one of `answers`. `{ members }` changes members of the JSON of the fake's own answer. */
  respond(answer: FakeAnswer | AnswerEdit | Responder): NextAnswer;
  /** Sends the answer after this time in milliseconds from the arrival of the request, or after this promise has settled. */
  delay(until: number | Promise<unknown>): NextAnswer;
  /** Ends the connection without an answer: `fetch` rejects with this error, by default as after a reset connection. */
  drop(error?: Error): NextAnswer;
}

/** Which request a hook is about. */
export interface NextOptions extends Omit<RequestFilter, 'leg'> {
  /** For how many requests. Default 1. */
  readonly times?: number | undefined;
}

/** A hook that matches a request. */
export interface Hook {
  readonly until: number | Promise<unknown> | undefined;
  readonly outcome:
    | { readonly kind: 'own-answer' }
    | { readonly kind: 'replace'; readonly replacement: Replacement }
    | { readonly kind: 'respond'; readonly responder: Responder }
    | { readonly kind: 'drop'; readonly error: Error };
}

interface Waiting extends RequestFilter {
  left: number;
  hook: Hook;
}

/** The hooks that wait for a request. */
export class Hooks {
  readonly #waiting: Waiting[] = [];

  next(leg: FakeLeg, { times = 1, ...filter }: NextOptions = {}): NextAnswer {
    const entry: Waiting = { ...filter, leg, left: times, hook: { until: undefined, outcome: { kind: 'own-answer' } } };
    this.#waiting.push(entry);
    const change = (hook: Partial<Hook>): NextAnswer => {
      entry.hook = { ...entry.hook, ...hook };
      return answer;
    };
    const answer: NextAnswer = {
      refuse: (error, details = {}) =>
        change({
          outcome: {
            kind: 'replace',
            replacement: { error, ...(typeof details === 'string' ? { description: details } : details) },
          },
        }),
      respond: (given) =>
        change({
          outcome:
            typeof given === 'function'
              ? { kind: 'respond', responder: given }
              : { kind: 'replace', replacement: given },
        }),
      delay: (until) => change({ until }),
      drop: (error = connectionReset()) => change({ outcome: { kind: 'drop', error } }),
    };
    return answer;
  }

  /** The first hook that waits for this request. It is used up. */
  take(request: RequestFilter): Hook | undefined {
    const at = this.#waiting.findIndex((entry) => matches(entry, request));
    const entry = this.#waiting[at];
    if (entry === undefined) return undefined;
    entry.left -= 1;
    if (entry.left <= 0) this.#waiting.splice(at, 1);
    return entry.hook;
  }

  expectNonePending(): void {
    const pending = this.#waiting.map((entry) => `  ${described(entry)}`);
    assert.equal(pending.length, 0, `These answers were prepared, and no request got them:\n${pending.join('\n')}`);
  }
}

function described({ leg, server, principal, left }: Waiting): string {
  const what = server === undefined ? '' : ` for ${server}`;
  const who = principal === undefined ? '' : ` by ${principal}`;
  return `next('${leg}')${what}${who}${left > 1 ? `, ${left} times` : ''}`;
}

/** The error of the global fetch after the peer has ended the connection. */
function connectionReset(): Error {
  const cause = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
  return new TypeError('fetch failed', { cause });
}
