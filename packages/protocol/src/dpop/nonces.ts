import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { checkNumber } from '../options/numbers.ts';

/** Nonces for DPoP proofs (RFC 9449 sections 8 and 9): they say when a proof was made, and nobody can make them ahead. */
export interface DpopNonces {
  /** The nonce to send to clients at the time `now`, in the header `DPoP-Nonce`. */
  issue(now: Date): string;
  /** Until when a proof with this nonce is accepted; undefined where it is not, or not any more. */
  acceptedUntil(nonce: string, now: Date): Date | undefined;
}

/**
 * Nonces that need no store: each stands for a stretch of time, `lifetimeSeconds` long (default: 60), and is good in the
 * next one too; used proofs are remembered until then. Instances of a server share `secret` (at least 32 bytes; default:
 * random ones), or each refuses the others' once. Throws a TypeError for any other secret, and for a lifetime that is no
 * positive integer.
 */
export function dpopNonces(options: { secret?: Uint8Array; lifetimeSeconds?: number } = {}): DpopNonces {
  const { secret = randomBytes(32), lifetimeSeconds = 60 } = options;
  if (!ArrayBuffer.isView(secret)) throw new TypeError('dpopNonces: secret is not a Uint8Array');
  if (secret.byteLength < 32) throw new TypeError('dpopNonces: secret has fewer than 32 bytes');
  checkNumber('dpopNonces', 'lifetimeSeconds', lifetimeSeconds, { min: 1, integer: true });
  const stretch = (now: Date) => Math.floor(now.getTime() / 1000 / lifetimeSeconds);
  const nonceOf = (at: number) => createHmac('sha256', secret).update(String(at)).digest('base64url');
  return {
    issue: (now) => nonceOf(stretch(now)),
    acceptedUntil(nonce, now) {
      const current = stretch(now);
      const made = [current, current - 1].find((at) => same(nonce, nonceOf(at)));
      return made === undefined ? undefined : new Date((made + 2) * lifetimeSeconds * 1000);
    },
  };
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
