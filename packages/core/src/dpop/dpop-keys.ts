import { createHash, KeyObject } from 'node:crypto';
import { type CryptoKeyPair, DPoP, type DPoPHandle, generateKeyPair } from 'oauth4webapi';

/** One key, one nonce memory per leg (a handle keeps a single nonce per origin). */
export interface DpopKeys {
  /** Names the key within this process: part of a token's key. */
  readonly id: string;
  /** RFC 7638. */
  readonly thumbprint: () => Promise<string>;
  readonly exchange: DPoPHandle;
  readonly redeem: DPoPHandle;
  readonly call: DPoPHandle;
}

/** A key pair to bind tokens to (RFC 9449), ES256, whose private half cannot leave the process. */
export async function generateDpopKeyPair(): Promise<CryptoKeyPair> {
  return generateKeyPair('ES256');
}

/** One key, and for each leg a handle of its own: a handle remembers one nonce per origin. */
export function dpopKeys(keyPair: CryptoKeyPair): DpopKeys {
  const client = {};
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
