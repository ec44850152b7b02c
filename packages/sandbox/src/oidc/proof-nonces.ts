import { randomBytes } from 'node:crypto';

/**
 * Accepts DPoP and requires a nonce: the answer to a proof without a nonce contains one for the next try (RFC 9449 section 8).
 */
export function proofNonces(): { nonceSecret: Buffer; requireNonce: true } {
  return { nonceSecret: randomBytes(32), requireNonce: true };
}
