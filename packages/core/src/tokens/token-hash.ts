import { createHash } from 'node:crypto';

/** The first 16 characters of the SHA-256 of a token in base64url. The hash identifies a token in an event without revealing it. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url').slice(0, 16);
}
