import { createHash, KeyObject } from 'node:crypto';
import { clockSkew, type CryptoKeyPair, DPoP, type DPoPHandle, generateKeyPair } from 'oauth4webapi';

/**
 * How far `iat` of a proof is before our time, in seconds. RFC 9449 section 11.1 lets a server refuse a proof from the future; every
 * server accepts one that is a few seconds old, because a request takes time.
 */
const BACKDATING_SECONDS = 3;

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

/** Creates one handle for each leg, because a handle stores only one nonce for each origin. */
export function dpopKeys(keyPair: CryptoKeyPair): DpopKeys {
  const client = { [clockSkew]: -BACKDATING_SECONDS };
  const exchange = DPoP(client, keyPair);
  const spki = KeyObject.from(keyPair.publicKey).export({ type: 'spki', format: 'der' });
  return {
    id: createHash('sha256').update(spki).digest('base64url'),
    thumbprint: () => exchange.calculateThumbprint(),
    exchange,
    redeem: DPoP(client, keyPair),
    call: DPoP(client, keyPair),
  };
}
