import type { Clock } from '../time/clock.ts';

const REMEMBERED_MS = 3_600_000;

/** Whether a peer accepts each token only once: it refused one that was presented before, and accepted a new one. */
export class SingleUse {
  readonly #clock: Clock;
  #untilMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True for an hour after `remember`: until then it is useless to keep a token for a second use. */
  isKnown(): boolean {
    return this.#clock.monotonicMs() < this.#untilMs;
  }

  remember(): void {
    this.#untilMs = this.#clock.monotonicMs() + REMEMBERED_MS;
  }
}

/** A kept token (a subject token or an ID-JAG) and the request that presents it. */
export interface Presentation<Token, Answer> {
  /** The kept token, or a new one where none is kept. `reused`: it may have been presented before. */
  get(): Promise<{ value: Token; reused: boolean }>;
  /** Removes this token from where it is kept. */
  drop(token: Token): Promise<void>;
  /** Sends it. `onAttempt` is told the number of each attempt, from 1. */
  present(token: Token, onAttempt: (attempt: number) => void): Promise<Answer>;
  /** Whether the peer refused the token, and a new one may be accepted. */
  isRefused(error: unknown, token: Token): boolean;
  /** A token was refused that had not been presented before. */
  refusedWhenNew(token: Token): void | Promise<void>;
}

/**
 * Presents a kept token. One that was presented before, by an earlier request or by an attempt whose answer was lost, may have
 * been revoked or used up: where it is refused, exactly one new token is presented. Where that one is accepted in place of a
 * kept one, `singleUse` remembers it and the new one is not kept either. Throws what `present` throws.
 */
export async function presentKept<Token, Answer>(
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
  const { value: fresh } = await presentation.get();
  try {
    const answer = await presentation.present(fresh, () => undefined);
    if (reused) {
      singleUse.remember();
      await presentation.drop(fresh);
    }
    return answer;
  } catch (error) {
    if (presentation.isRefused(error, fresh)) await presentation.refusedWhenNew(fresh);
    throw error;
  }
}
