import { createHash, KeyObject } from 'node:crypto';
import { type CryptoKeyPair, DPoP, type DPoPHandle, generateKeyPair, modifyAssertion } from 'oauth4webapi';
import type { Runtime } from '../runtime/runtime.ts';

/**
 * How far `iat` of a proof is before our time, in seconds. RFC 9449 section 11.1 lets a server refuse a proof from the future; every
 * server accepts one that is a few seconds old, because a request takes time.
 */
const BACKDATING_SECONDS = 3;
/** A smaller change of what is known of a clock is not the reason for a refusal. */
const MIN_LEARNED_MS = 1_500;

/** A DPoP key with one oauth4webapi handle for each leg. A handle stores one nonce for each origin. */
export interface DpopKeys {
  /** The hash of the public key. The hash is part of the key under which a token is cached. */
  readonly id: string;
  /** The JWK thumbprint (RFC 7638). */
  readonly thumbprint: () => Promise<string>;
  readonly exchange: DPoPHandle;
  readonly redeem: DPoPHandle;
  readonly call: DPoPHandle;
}

/** Generates an ES256 key pair for DPoP-bound tokens (RFC 9449). The private key cannot be exported. */
export async function generateDpopKeyPair(): Promise<CryptoKeyPair> {
  return generateKeyPair('ES256');
}

/** By handle, how far the times in its proofs are ahead of our clock, in milliseconds. */
const aheadMs = new WeakMap<DPoPHandle, number>();

/** Creates one handle for each leg, because a handle stores only one nonce for each origin. */
export function dpopKeys(keyPair: CryptoKeyPair): DpopKeys {
  const exchange = handleFor(keyPair);
  const spki = KeyObject.from(keyPair.publicKey).export({ type: 'spki', format: 'der' });
  return {
    id: createHash('sha256').update(spki).digest('base64url'),
    thumbprint: () => exchange.calculateThumbprint(),
    exchange,
    redeem: handleFor(keyPair),
    call: handleFor(keyPair),
  };
}

function handleFor(keyPair: CryptoKeyPair): DPoPHandle {
  const handle: DPoPHandle = DPoP({}, keyPair, {
    [modifyAssertion](_header, payload) {
      payload['iat'] = Math.floor((Date.now() + (aheadMs.get(handle) ?? 0)) / 1000) - BACKDATING_SECONDS;
    },
  });
  return handle;
}

/**
 * Gives the proofs of `handle` the time of the peer that gets them, as far as its clock is known. Each handle is for one peer. `peer` is an
 * issuer identifier, or the origin of an MCP server.
 */
export function useClockOf(peer: string, handle: DPoPHandle, runtime: Pick<Runtime, 'clock' | 'peerClocks'>): void {
  aheadMs.set(handle, neededAheadMs(peer, runtime));
}

/** Whether a response has shown that the last proof of `handle` had a wrong time, so that a new proof can be accepted. */
export function hasLearnedClock(
  peer: string,
  handle: DPoPHandle,
  runtime: Pick<Runtime, 'clock' | 'peerClocks'>,
): boolean {
  return Math.abs(neededAheadMs(peer, runtime) - (aheadMs.get(handle) ?? 0)) >= MIN_LEARNED_MS;
}

function neededAheadMs(peer: string, { clock, peerClocks }: Pick<Runtime, 'clock' | 'peerClocks'>): number {
  return clock.wallMs() - Date.now() + (peerClocks?.differenceMs(peer) ?? 0);
}
