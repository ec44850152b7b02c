import { createHash } from 'node:crypto';

/** The first 16 characters of a token's SHA-256 in base64url: names a token in an event without giving it away. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('base64url').slice(0, 16);
}
