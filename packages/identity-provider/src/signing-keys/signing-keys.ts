import { randomUUID } from 'node:crypto';
import {
  checkList,
  checkNumber,
  isSigningAlgorithm,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
} from '@credence/protocol';
import {
  calculateJwkThumbprint,
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';

interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
  /** Epoch milliseconds after which the public key is no longer published; undefined while the key signs. */
  retiredUntil?: number;
}

/** The first signing keys, and how long replaced keys stay published. */
export interface SigningKeysOptions {
  /** One key is generated for each algorithm. The first is the default. Default: `['ES256']`. Ignored if `jwks` is given. */
  readonly algorithms?: readonly SigningAlgorithm[] | undefined;
  /** Private keys to use instead of generated ones. Each must have `alg`. The first is the default. */
  readonly jwks?: { readonly keys: readonly JWK[] } | undefined;
  /** How long a replaced public key stays published, in seconds. Default: one day. */
  readonly graceSeconds?: number | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const WHERE = 'createSigningKeys';

/** Calls the private constructor of SigningKeys; set in its static block. */
let signingKeysOf: (keys: SigningKey[], options: SigningKeysOptions) => SigningKeys;

/**
 * Generates or imports an identity provider's signing keys. Rejects with a TypeError for invalid options, and for a key that is
 * not private or whose `alg` is not a {@link SigningAlgorithm}.
 */
export async function createSigningKeys(options: SigningKeysOptions = {}): Promise<SigningKeys> {
  const { algorithms, jwks, graceSeconds } = options;
  checkList(WHERE, 'algorithms', algorithms);
  checkNumber(WHERE, 'graceSeconds', graceSeconds);
  const keys =
    jwks === undefined
      ? await Promise.all((algorithms ?? ['ES256']).map((algorithm) => generateSigningKey(algorithm)))
      : await Promise.all(jwks.keys.map((jwk) => importSigningKey(jwk)));
  return signingKeysOf(keys, options);
}

/**
 * The signing keys of an identity provider, made by {@link createSigningKeys}: one for each algorithm. `rotate` replaces them
 * while the provider runs. A replaced key no longer signs, and its public key stays published for the grace period, so that
 * tokens it signed stay valid.
 */
export class SigningKeys {
  readonly #graceMs: number;
  readonly #now: () => Date;
  readonly #defaultAlgorithm: SigningAlgorithm;
  #keys: SigningKey[];

  static {
    signingKeysOf = (keys, options) => new SigningKeys(keys, options);
  }

  private constructor(keys: SigningKey[], options: SigningKeysOptions) {
    const [first] = keys;
    if (first === undefined) throw new TypeError(`${WHERE}: at least one signing key is needed`);
    this.#keys = keys;
    this.#defaultAlgorithm = first.algorithm;
    this.#graceMs = (options.graceSeconds ?? 86_400) * 1000;
    this.#now = options.now ?? (() => new Date());
  }

  /** The algorithms that have a signing key. */
  get algorithms(): readonly SigningAlgorithm[] {
    return [...new Set(this.#keys.filter((key) => key.retiredUntil === undefined).map((key) => key.algorithm))];
  }

  /** The public keys (RFC 7517 section 5), including those of replaced keys within their grace period. */
  publicJwks(): JSONWebKeySet {
    const now = this.#now().getTime();
    this.#keys = this.#keys.filter((key) => key.retiredUntil === undefined || key.retiredUntil > now);
    return { keys: this.#keys.map((key) => ({ ...key.publicJwk })) };
  }

  /** Replaces the key of one algorithm, or all keys. `sign` uses the new key when the promise has resolved. */
  async rotate(algorithm?: SigningAlgorithm): Promise<void> {
    const algorithms = this.algorithms.filter((each) => algorithm === undefined || each === algorithm);
    if (algorithms.length === 0) throw new TypeError(`there is no signing key for ${algorithm}`);
    const newKeys = await Promise.all(algorithms.map((each) => generateSigningKey(each)));
    const retiredUntil = this.#now().getTime() + this.#graceMs;
    for (const key of this.#keys) {
      if (algorithms.includes(key.algorithm)) key.retiredUntil ??= retiredUntil;
    }
    this.#keys = [...newKeys, ...this.#keys];
  }

  /**
   * Stops publishing all replaced keys at once, for use after a key leaked. Tokens that they signed are refused when the caches
   * of the key set have expired.
   */
  dropRetired(): void {
    this.#keys = this.#keys.filter((key) => key.retiredUntil === undefined);
  }

  /** Signs claims as a JWT of the given `typ`. Rejects with a TypeError if there is no key for the algorithm. */
  async sign(claims: JWTPayload, options: { typ: string; algorithm?: SigningAlgorithm | undefined }): Promise<string> {
    const algorithm = options.algorithm ?? this.#defaultAlgorithm;
    const key = this.#keys.find((each) => each.retiredUntil === undefined && each.algorithm === algorithm);
    if (key === undefined) throw new TypeError(`there is no signing key for ${algorithm}`);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: options.typ })
      .sign(key.privateKey);
  }

  /** Returns only the algorithms, so that serialization does not show a key. */
  toJSON(): unknown {
    return { algorithms: this.algorithms };
  }
}

async function generateSigningKey(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  return { ...describeSigningKey(await exportJWK(publicKey), algorithm, randomUUID()), privateKey };
}

async function importSigningKey(jwk: JWK): Promise<SigningKey> {
  const { alg: algorithm } = jwk;
  if (!isSigningAlgorithm(algorithm))
    throw new TypeError(`${WHERE}: a key needs an alg of ${SIGNING_ALGORITHMS.join(', ')}`);
  if (jwk.d === undefined) throw new TypeError(`${WHERE}: a key must be a private key`);
  const privateKey = (await importJWK(jwk, algorithm)) as CryptoKey;
  const { kty, crv, x, y, n, e } = jwk;
  const parts = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  const publicJwk = Object.fromEntries(parts) as JWK;
  return {
    ...describeSigningKey(publicJwk, algorithm, jwk.kid ?? (await calculateJwkThumbprint(publicJwk))),
    privateKey,
  };
}

function describeSigningKey(jwk: JWK, algorithm: SigningAlgorithm, kid: string): Omit<SigningKey, 'privateKey'> {
  return { kid, algorithm, publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' } };
}
