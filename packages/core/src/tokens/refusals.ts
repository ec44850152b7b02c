import { lruCache } from '@credence/protocol';
import type { CredenceError } from '../errors/credence-error.ts';
import type { Clock } from '../time/clock.ts';

const REMEMBERED_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const MAX_KEYS = 1_000;

/**
 * What was refused a moment ago, so that a herd right behind gets the same answer without asking again; and how often in a
 * row a server refused fresh tokens, so that getting yet another one pauses for longer each time.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #remembered = lruCache<{ error: CredenceError; untilMs: number }>(MAX_KEYS);
  /** Tokens in a row that the server refused and never once accepted, by key. */
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

  /** For a second, or for as long as the peer asked to be left alone, up to a minute. */
  remember(key: string, error: CredenceError, ms = retryAfterMs(error) ?? REMEMBERED_MS): void {
    this.#remembered.set(key, { error, untilMs: this.#clock.monotonicMs() + ms });
  }

  /** A token was refused by the server that had never accepted it; from the second in a row on, acquisition pauses. */
  neverAccepted(key: string, error: () => CredenceError): void {
    const streak = (this.#streaks.get(key)?.length ?? 0) + 1;
    this.#streaks.set(key, { length: streak });
    if (streak >= 2) this.remember(key, error(), Math.min(REMEMBERED_MS * 2 ** (streak - 2), LONGEST_PAUSE_MS));
  }

  accepted(key: string): void {
    this.#streaks.delete(key);
  }
}

/** The pause a peer asked for (Retry-After), in milliseconds. */
export function retryAfterMs({ retryAfterSeconds }: CredenceError): number | undefined {
  if (retryAfterSeconds === undefined) return undefined;
  return Math.min(Math.max(retryAfterSeconds * 1000, REMEMBERED_MS), LONGEST_PAUSE_MS);
}
