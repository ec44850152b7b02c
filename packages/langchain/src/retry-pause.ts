import type { CredenceError, ErrorCode } from '@credence/core';

/** Pauses between attempts to reach a server whose tools are missing, in milliseconds. */
export interface RetryPauses {
  /** The pause after the first failure. Each further failure in a row doubles it. Default: 1,000. */
  firstMs?: number;
  /** The longest pause. Default: 60,000. */
  maxMs?: number;
}

export const DEFAULT_PAUSES: Readonly<Required<RetryPauses>> = { firstMs: 1_000, maxMs: 60_000 };

/** How many times longer the pauses are if only a person can end the failure. */
const PERSON_FACTOR = 5;
/** A random part, up to this one, is taken off each pause, so that many processes do not ask at the same time. */
const RANDOM_PART = 1 / 4;
/** The longest time for which a pause that a peer or the principal names is respected, in milliseconds. */
const LONGEST_NAMED_MS = 3_600_000;
/** The longest time of a timer of Node.js, in milliseconds. A longer one fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** Failures that nothing but another program or configuration can end. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['closed', 'unknown_server', 'invalid_configuration']);
/** Failures that end without a person: of the network, of a server that starts, of a file or callback of this process. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'unreachable',
  'timeout',
  'rate_limited',
  'peer_unavailable',
  'credential_unavailable',
  'cancelled',
]);

/**
 * The pause before the next attempt, in milliseconds. Undefined if no attempt can succeed.
 *
 * @param failures how many attempts in a row have failed
 * @param pausedForMs how long the principal itself sends no request for this server
 * @param random in [0, 1)
 */
export function retryPauseMs(
  error: CredenceError,
  failures: number,
  { firstMs, maxMs }: Required<RetryPauses>,
  { pausedForMs = 0, random = Math.random() } = {},
): number | undefined {
  if (FINAL.has(error.code)) return undefined;
  const factor = error.retryable || PASSING.has(error.code) ? 1 : PERSON_FACTOR;
  const fullMs = factor * Math.min(firstMs * 2 ** Math.min(failures - 1, 30), maxMs);
  const namedMs = Math.min(Math.max(pausedForMs, (error.retryAfterSeconds ?? 0) * 1_000), LONGEST_NAMED_MS);
  return Math.min(Math.max(fullMs * (1 - random * RANDOM_PART), namedMs), LONGEST_TIMER_MS);
}
