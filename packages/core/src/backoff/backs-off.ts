import type { ErrorCode } from '../errors/codes.ts';
import type { CredenceError } from '../errors/credence-error.ts';
import { originalOf } from '../errors/same-failure.ts';

/** OAuth errors that say themselves that they pass (RFC 6749 section 4.1.2.1, RFC 8628 section 3.5). */
const PASSING_ERRORS: ReadonlySet<string | undefined> = new Set([
  'temporarily_unavailable',
  'server_error',
  'slow_down',
]);
/** Failures inside this process: no request was sent. They end when the file or the callback works again, so no pause is needed. */
const LOCAL_CODES: ReadonlySet<ErrorCode> = new Set([
  'credential_unavailable',
  'invalid_key',
  'closed',
  'invalid_configuration',
]);

/**
 * Whether more requests cannot help until a person has changed something: a grant, a registration, the configuration, a network. Then
 * the pauses between requests grow.
 */
export function onlyAPersonEnds({ code, error, leg, retryable }: CredenceError): boolean {
  return !retryable && leg !== 'configure' && !LOCAL_CODES.has(code) && !PASSING_ERRORS.has(error);
}

/** Until when no such request is sent, in milliseconds of the monotonic clock. */
export interface Pause {
  readonly untilMs: number;
}

/** By error, the pause of the client or of the metadata document that it has caused. */
const pauses = new WeakMap<CredenceError, Pause>();

/** Records that requests pause because of this error, for all servers that the request concerns. */
export function pausesAll(error: CredenceError, pause: Pause): void {
  pauses.set(originalOf(error), pause);
}

/** The pause of all servers that the error has caused. Undefined if there is none, so that each server has its own pause. */
export function pauseOfAll(error: CredenceError): Pause | undefined {
  return pauses.get(originalOf(error));
}
