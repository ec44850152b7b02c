import { createHmac, randomBytes } from 'node:crypto';

/** A key of this process, so that a fingerprint is of no use outside it. */
const key = randomBytes(32);

/** A text that is the same for the same secret in this process, and from which the secret cannot be computed. */
export function fingerprintOf(secret: string): string {
  return createHmac('sha256', key).update(secret).digest('base64url');
}
