import type { Clock } from '../time/clock.ts';

const REMEMBERED_MS = 3_600_000;

/** Whether a peer accepts each token only once: it refused one that was presented before, and accepted a new one. */
export class SingleUse {
  readonly #clock: Clock;
  #untilMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the peer is known to accept each token only once. True for an hour after `remember` was called. */
  isKnown(): boolean {
    return this.#clock.monotonicMs() < this.#untilMs;
  }

  remember(): void {
    this.#untilMs = this.#clock.monotonicMs() + REMEMBERED_MS;
  }
}

/** The functions with which `withFreshRetry` gets, sends and drops a cached token (a subject token or an ID-JAG). */
export interface Presentation<Token, Answer> {
  /** The cached token, or a new one if none is cached. `reused`: the token may have been sent before. */
  get(): Promise<{ value: Token; reused: boolean }>;
  /** Removes this token from memory and from the store. */
  drop(token: Token): Promise<void>;
  /** Sends the token. Calls `onAttempt` with the number of each attempt, from 1. */
  present(token: Token, onAttempt: (attempt: number) => void): Promise<Answer>;
  /** Whether the peer refused the token, and a new one may be accepted. */
  isRefused(error: unknown, token: Token): boolean;
  /** Whether another program replaces the token. Then a refused one was replaced, and does not show that the peer accepts each token once. */
  readonly isReplaced?: boolean;
  /** Called if the peer refused a token that had not been sent before. */
  refusedWhenNew(token: Token): void | Promise<void>;
}

/**
 * Sends a cached token. A token that was sent before, by an earlier request or by an attempt whose response was lost, may
 * be revoked or used up. If the peer refuses it, exactly one new token is sent. If the peer accepts the new token after it
 * refused a cached one, `singleUse` remembers this, and the new token is removed from the cache. Throws the errors of
 * `present`.
 */
export async function withFreshRetry<Token, Answer>(
  singleUse: SingleUse,
  presentation: Presentation<Token, Answer>,
): Promise<Answer> {
  const { value: token, reused } = await presentation.get();
  let attempts = 0;
  try {
    return await presentation.present(token, (attempt) => {
      attempts = attempt;
    });
  } catch (error) {
    if (!presentation.isRefused(error, token)) throw error;
    if (!reused && attempts < 2) {
      await presentation.refusedWhenNew(token);
      throw error;
    }
  }
  await presentation.drop(token);
  const { value: newToken } = await presentation.get();
  try {
    const answer = await presentation.present(newToken, () => undefined);
    if (reused && !presentation.isReplaced) {
      singleUse.remember();
      await presentation.drop(newToken);
    }
    return answer;
  } catch (error) {
    if (presentation.isRefused(error, newToken)) await presentation.refusedWhenNew(newToken);
    throw error;
  }
}
