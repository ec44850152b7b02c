import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Nonces for DPoP proofs (RFC 9449 sections 8 and 9): they say when a proof was made, and nobody can make them ahead. */
export interface DpopNonces {
  readonly lifetimeSeconds: number;
  issue(now: Date): string;
  accepts(nonce: string, now: Date): boolean;
}

/**
 * Nonces that need no store: each stands for a stretch of time and is good in the next one too. Instances of a server
 * share `secret` (at least 32 bytes; default: random ones), or each refuses the others' once.
 */
export function dpopNonces(options: { secret?: Uint8Array; lifetimeSeconds?: number } = {}): DpopNonces {
  const { secret = randomBytes(32), lifetimeSeconds = 300 } = options;
  if (secret.byteLength < 32) throw new TypeError('dpopNonces: the secret has fewer than 32 bytes');
  if (!Number.isSafeInteger(lifetimeSeconds) || lifetimeSeconds <= 0) {
    throw new TypeError('dpopNonces: lifetimeSeconds is not a positive integer');
  }
  const stretch = (now: Date) => Math.floor(now.getTime() / 1000 / lifetimeSeconds);
  const nonceOf = (at: number) => createHmac('sha256', secret).update(String(at)).digest('base64url');
  return {
    lifetimeSeconds,
    issue: (now) => nonceOf(stretch(now)),
    accepts: (nonce, now) => [0, 1].some((back) => same(nonce, nonceOf(stretch(now) - back))),
  };
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}
