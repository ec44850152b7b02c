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

/** Which keys there are at first, and how long replaced ones stay published. */
export interface SigningKeysOptions {
  /** One key is generated for each; the first is the default. Default: `['ES256']`. Ignored where `jwks` is given. */
  readonly algorithms?: readonly SigningAlgorithm[] | undefined;
  /** Private keys to start with, instead of generated ones; each with `alg`. The first is the default. */
  readonly jwks?: { readonly keys: readonly JWK[] } | undefined;
  /** How long the public part of a replaced key stays published, in seconds. Default: one day. */
  readonly graceSeconds?: number | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const WHERE = 'createSigningKeys';

/** Set by the class, so that its constructor can be private. */
let signingKeysOf: (keys: SigningKey[], options: SigningKeysOptions) => SigningKeys;

/**
 * Generates or imports an identity provider's signing keys. Rejects with a TypeError for invalid options, and for a key
 * that has none of these algorithms or is not private.
 */
export async function createSigningKeys(options: SigningKeysOptions = {}): Promise<SigningKeys> {
  const { algorithms, jwks, graceSeconds } = options;
  checkList(WHERE, 'algorithms', algorithms);
  checkNumber(WHERE, 'graceSeconds', graceSeconds);
  const keys =
    jwks === undefined
      ? await Promise.all((algorithms ?? ['ES256']).map((algorithm) => generated(algorithm)))
      : await Promise.all(jwks.keys.map((jwk) => imported(jwk)));
  return signingKeysOf(keys, options);
}

/**
 * The keys an identity provider signs with, from {@link createSigningKeys}: one per algorithm, replaceable while it runs. A replaced key no longer
 * signs, and its public part stays published until what it signed has expired everywhere.
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

  /** The algorithms that there is a signing key for. */
  get algorithms(): readonly SigningAlgorithm[] {
    return [...new Set(this.#keys.filter((key) => key.retiredUntil === undefined).map((key) => key.algorithm))];
  }

  /** The public keys, those of replaced keys within their grace period included (RFC 7517 section 5). */
  publicJwks(): JSONWebKeySet {
    const now = this.#now().getTime();
    this.#keys = this.#keys.filter((key) => key.retiredUntil === undefined || key.retiredUntil > now);
    return { keys: this.#keys.map((key) => ({ ...key.publicJwk })) };
  }

  /** Replaces the key of one algorithm, or of all; new signatures are by the new key as soon as this resolves. */
  async rotate(algorithm?: SigningAlgorithm): Promise<void> {
    const algorithms = this.algorithms.filter((each) => algorithm === undefined || each === algorithm);
    if (algorithms.length === 0) throw new TypeError(`there is no signing key for ${algorithm}`);
    const fresh = await Promise.all(algorithms.map((each) => generated(each)));
    const retiredUntil = this.#now().getTime() + this.#graceMs;
    for (const key of this.#keys) {
      if (algorithms.includes(key.algorithm)) key.retiredUntil ??= retiredUntil;
    }
    this.#keys = [...fresh, ...this.#keys];
  }

  /**
   * Stops publishing every replaced key at once: for a key that leaked. What it signed is refused once caches expire.
   */
  dropRetired(): void {
    this.#keys = this.#keys.filter((key) => key.retiredUntil === undefined);
  }

  /** Signs claims as a JWT of the given `typ`. Throws a TypeError where there is no key for the algorithm. */
  async sign(claims: JWTPayload, options: { typ: string; algorithm?: SigningAlgorithm | undefined }): Promise<string> {
    const algorithm = options.algorithm ?? this.#defaultAlgorithm;
    const key = this.#keys.find((each) => each.retiredUntil === undefined && each.algorithm === algorithm);
    if (key === undefined) throw new TypeError(`there is no signing key for ${algorithm}`);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: options.typ })
      .sign(key.privateKey);
  }

  /** The algorithms alone: no key is printed. */
  toJSON(): unknown {
    return { algorithms: this.algorithms };
  }
}

async function generated(algorithm: SigningAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  return { ...described(await exportJWK(publicKey), algorithm, randomUUID()), privateKey };
}

async function imported(jwk: JWK): Promise<SigningKey> {
  const { alg: algorithm } = jwk;
  if (!isSigningAlgorithm(algorithm))
    throw new TypeError(`${WHERE}: a key needs an alg of ${SIGNING_ALGORITHMS.join(', ')}`);
  if (jwk.d === undefined) throw new TypeError(`${WHERE}: a key must be a private key`);
  const privateKey = (await importJWK(jwk, algorithm)) as CryptoKey;
  const { kty, crv, x, y, n, e } = jwk;
  const parts = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
  const publicJwk = Object.fromEntries(parts) as JWK;
  return { ...described(publicJwk, algorithm, jwk.kid ?? (await calculateJwkThumbprint(publicJwk))), privateKey };
}

function described(jwk: JWK, algorithm: SigningAlgorithm, kid: string): Omit<SigningKey, 'privateKey'> {
  return { kid, algorithm, publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' } };
}
