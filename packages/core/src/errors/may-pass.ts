import type { ErrorCode } from './codes.ts';
import { isCredenceError } from './credence-error.ts';

/** Failures without the decision of a peer: it is away or busy, something else answers in its place, or a file cannot be read. */
const PASSING_CODES: ReadonlySet<ErrorCode> = new Set([
  'unreachable',
  'timeout',
  'rate_limited',
  'peer_unavailable',
  'invalid_response',
  'response_too_large',
  'redirect_refused',
  'metadata_not_found',
  'credential_unavailable',
]);

/** Whether the failure may pass by itself. False for the refusal of a peer. */
export function mayPass(error: unknown): boolean {
  return isCredenceError(error) && (error.retryable || PASSING_CODES.has(error.code));
}
