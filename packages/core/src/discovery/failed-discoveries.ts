import { type LruCache, lruCache } from '@credence/protocol';
import { onlyAPersonEnds, pausesAll } from '../backoff/backs-off.ts';
import { pauseAfterRefusals } from '../backoff/pause.ts';
import { type CredenceError, isCredenceError } from '../errors/credence-error.ts';
import type { Clock } from '../time/clock.ts';

interface Failed {
  readonly error: CredenceError;
  readonly failures: number;
  /** The principal that sent the request. */
  readonly by: object;
  untilMs: number;
}

/**
 * The documents that could not be fetched for a reason that only a person can end, such as a misspelt issuer. They are not requested
 * again for a while, for any server and any principal: a second at first, then longer each time, at most five minutes. A success ends it.
 */
export class FailedDiscoveries {
  readonly #clock: Clock;
  readonly #failed: LruCache<Failed>;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.#failed = lruCache(max);
  }

  /**
   * The failure that is thrown instead of a new request. Undefined if a request may be sent. The first failure counts only for the
   * principal that has seen it: a person who corrects the cause often creates another principal at once.
   */
  of(key: string, principal: object): CredenceError | undefined {
    const failed = this.#failed.get(key);
    if (!failed || failed.untilMs <= this.#clock.monotonicMs()) return undefined;
    return failed.failures > 1 || failed.by === principal ? failed.error : undefined;
  }

  /** The result of `discover`, whose failure is remembered and whose success ends the pause. */
  async watch<T>(key: string, by: object, discover: () => Promise<T>): Promise<T> {
    try {
      const value = await discover();
      this.end(key);
      return value;
    } catch (error) {
      if (isCredenceError(error) && onlyAPersonEnds(error)) this.#remember(key, by, error);
      throw error;
    }
  }

  /** Lets the next caller send a request. */
  end(key: string): void {
    const failed = this.#failed.peek(key);
    if (!failed) return;
    this.#failed.delete(key);
    failed.untilMs = -Infinity;
  }

  #remember(key: string, by: object, error: CredenceError): void {
    const failures = (this.#failed.peek(key)?.failures ?? 0) + 1;
    const untilMs = this.#clock.monotonicMs() + pauseAfterRefusals(failures, Math.random());
    const failed: Failed = { error, failures, by, untilMs };
    this.#failed.set(key, failed);
    pausesAll(error, failed);
  }
}
