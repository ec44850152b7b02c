import {
  CompactSign,
  type CompactJWSHeaderParameters,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
} from 'jose';

export type Claims = Record<string, unknown>;
export type Header = Record<string, unknown>;

/** The algorithms that an Issuer can have keys for; the `kid` of a key is its algorithm. */
export const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const;
type Algorithm = (typeof ALGORITHMS)[number];

/** An identity provider that signs any payload under any header. */
export class Issuer {
  readonly #keys: ReadonlyMap<string, CryptoKey>;
  readonly jwks: JSONWebKeySet;

  private constructor(keys: ReadonlyMap<string, CryptoKey>, jwks: JSONWebKeySet) {
    this.#keys = keys;
    this.jwks = jwks;
  }

  static async create(algorithms: readonly Algorithm[]): Promise<Issuer> {
    // one RSA key for all RSA algorithms, because generating RSA keys is slow
    const rsa = algorithms.some((alg) => /^[RP]S/u.test(alg)) ? await generateKeyPair('RS256', EXTRACTABLE) : undefined;
    const made = await Promise.all(
      algorithms.map(async (alg) => ({ alg, pair: /^[RP]S/u.test(alg) && rsa ? rsa : await generateKeyPair(alg) })),
    );
    const keys = new Map<string, CryptoKey>();
    const jwks: JSONWebKeySet = { keys: [] };
    for (const { alg, pair } of made) {
      const publicJwk = await exportJWK(pair.publicKey);
      jwks.keys.push({ ...publicJwk, kid: alg, alg, use: 'sig' });
      keys.set(alg, pair === rsa ? await forAlgorithm(pair.privateKey, alg) : pair.privateKey);
    }
    return new Issuer(keys, jwks);
  }

  key(alg: string): CryptoKey {
    const key = this.#keys.get(alg);
    if (key === undefined) throw new RangeError(`no ${alg} key`);
    return key;
  }

  /** Signs any text, even if it is not valid claims, under any header, even if it does not match the key. */
  async sign(payload: string, header: Header, key: CryptoKey | Uint8Array = this.key('ES256')): Promise<string> {
    return new CompactSign(new TextEncoder().encode(payload))
      .setProtectedHeader(header as CompactJWSHeaderParameters)
      .sign(key, { crit: { 'urn:example': true } });
  }

  /** Like `sign`, but with the header as text, for headers that a library does not write. */
  async signRaw(payload: string, header: string): Promise<string> {
    const input = `${base64url(header)}.${base64url(payload)}`;
    const signature = await crypto.subtle.sign(
      { name: 'ECDSA', hash: 'SHA-256' },
      this.key('ES256'),
      new TextEncoder().encode(input),
    );
    return `${input}.${Buffer.from(signature).toString('base64url')}`;
  }
}

const EXTRACTABLE = { extractable: true };

async function forAlgorithm(key: CryptoKey, alg: string): Promise<CryptoKey> {
  const name = alg.startsWith('PS') ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5';
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', key);
  return crypto.subtle.importKey('pkcs8', pkcs8, { name, hash: `SHA-${alg.slice(2)}` }, false, ['sign']);
}

export function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
