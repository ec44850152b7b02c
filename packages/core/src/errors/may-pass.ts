import { isCredenceError } from './credence-error.ts';

/**
 * Whether the failure may pass without a change by a person: a peer is down or busy, or the source of a credential or token is not
 * available. False for the refusal of a peer.
 */
export function mayPass(error: unknown): boolean {
  return isCredenceError(error) && (error.retryable || error.code === 'credential_unavailable');
}
