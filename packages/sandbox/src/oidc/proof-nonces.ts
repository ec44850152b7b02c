import { randomBytes } from 'node:crypto';

/** DPoP is accepted, and a proof without a nonce gets one and is asked for again (RFC 9449 section 8). */
export function proofNonces(): { nonceSecret: Buffer; requireNonce: true } {
  return { nonceSecret: randomBytes(32), requireNonce: true };
}
