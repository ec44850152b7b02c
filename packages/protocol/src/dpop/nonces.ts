import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { checkNumber } from '../options/numbers.ts';

/**
 * Nonces for DPoP proofs (RFC 9449 sections 8 and 9). A nonce proves that the client made the proof after the server issued
 * the nonce.
 */
export interface DpopNonces {
  /** The nonce to send to clients at the time `now`, in the header `DPoP-Nonce`. */
  issue(now: Date): string;
  /** The time until which a proof with this nonce is accepted; undefined if the nonce is invalid or has expired. */
  acceptedUntil(nonce: string, now: Date): Date | undefined;
}

/**
 * Nonces that need no store. Time is divided into intervals of `lifetimeSeconds` (default: 60), and each interval has one
 * nonce, computed with an HMAC over the interval's number. A nonce is accepted in its own interval and in the next one.
 * Used proofs are remembered for as long. All instances of a server must use the same `secret` (at least 32 bytes; default:
 * random bytes); an instance refuses a nonce that was made with another secret and sends its own.
 *
 * Throws a TypeError if the secret is not a Uint8Array or is shorter, and if the lifetime is not a positive integer.
 */
export function dpopNonces(options: { secret?: Uint8Array; lifetimeSeconds?: number } = {}): DpopNonces {
  const { secret = randomBytes(32), lifetimeSeconds = 60 } = options;
  if (!ArrayBuffer.isView(secret)) throw new TypeError('dpopNonces: secret is not a Uint8Array');
  if (secret.byteLength < 32) throw new TypeError('dpopNonces: secret has fewer than 32 bytes');
  checkNumber('dpopNonces', 'lifetimeSeconds', lifetimeSeconds, { min: 1, integer: true });
  const intervalAt = (now: Date) => Math.floor(now.getTime() / 1000 / lifetimeSeconds);
  const nonceOf = (interval: number) => createHmac('sha256', secret).update(String(interval)).digest('base64url');
  return {
    issue: (now) => nonceOf(intervalAt(now)),
    acceptedUntil(nonce, now) {
      const current = intervalAt(now);
      const issuedIn = [current, current - 1].find((interval) => isSame(nonce, nonceOf(interval)));
      return issuedIn === undefined ? undefined : new Date((issuedIn + 2) * lifetimeSeconds * 1000);
    },
  };
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
