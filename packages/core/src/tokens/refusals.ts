import { lruCache } from '@credence/protocol';
import type { CredenceError } from '../errors/credence-error.ts';
import type { Clock } from '../time/clock.ts';

const REMEMBERED_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const MAX_KEYS = 1_000;

/**
 * The refusals of the last second, which are thrown again to later callers without a new request; and how many new tokens in a row an
 * MCP server has refused, because the pause before the next acquisition becomes longer each time.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #remembered = lruCache<{ error: CredenceError; untilMs: number }>(MAX_KEYS);
  /** By key: the number of tokens in a row that the server refused and had never accepted. */
  readonly #streaks = lruCache<{ length: number }>(MAX_KEYS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(key: string): CredenceError | undefined {
    const remembered = this.#remembered.get(key);
    if (!remembered) return undefined;
    if (remembered.untilMs > this.#clock.monotonicMs()) return remembered.error;
    this.#remembered.delete(key);
    return undefined;
  }

  /** Remembers the refusal for a second, or for the time in `Retry-After`, up to a minute. */
  remember(key: string, error: CredenceError, ms = retryAfterMs(error) ?? REMEMBERED_MS): void {
    this.#remembered.set(key, { error, untilMs: this.#clock.monotonicMs() + ms });
  }

  /** Counts a token that the server refused and had never accepted. From the second in a row on, acquisitions pause. */
  neverAccepted(key: string, error: () => CredenceError): void {
    const streak = (this.#streaks.get(key)?.length ?? 0) + 1;
    this.#streaks.set(key, { length: streak });
    if (streak >= 2) this.remember(key, error(), Math.min(REMEMBERED_MS * 2 ** (streak - 2), LONGEST_PAUSE_MS));
  }

  accepted(key: string): void {
    this.#streaks.delete(key);
  }
}

/** The pause in the `Retry-After` of a peer, in milliseconds, at least a second and at most a minute. */
export function retryAfterMs({ retryAfterSeconds }: CredenceError): number | undefined {
  if (retryAfterSeconds === undefined) return undefined;
  return Math.min(Math.max(retryAfterSeconds * 1000, REMEMBERED_MS), LONGEST_PAUSE_MS);
}
