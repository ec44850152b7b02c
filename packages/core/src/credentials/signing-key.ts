import { createPrivateKey, KeyObject } from 'node:crypto';
import { isDeepStrictEqual, types } from 'node:util';
import { isJsonObject, type JsonObject, quoted, type SigningAlgorithm } from '@credence/protocol';
import { type CryptoKey, type JWK, type KeyObject as KeyObjectInput, SignJWT, type JWTPayload } from 'jose';
import type { CredenceError } from '../errors/credence-error.ts';
import { badKey, MAKE_A_KEY, unsupportedType } from './bad-key.ts';
import { textOfKeyBytes } from './key-der.ts';
import { readKeyText } from './key-text.ts';
import { isPssAlgorithm, pssAlgorithmsOf, signPss } from './rsa-pss.ts';

/** Signs the bytes of a JWS signing input (RFC 7515 section 5.1), for example by a KMS, an HSM or a signing agent. */
export type Signer = (signingInput: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/**
 * A private key: text with a PEM (PKCS#8, PKCS#1 or SEC1) or a JWK, the bytes of such a text or of a key in DER, a private JWK, a
 * KeyObject of `node:crypto`, a Web Crypto CryptoKey, or a function that signs.
 */
export type SigningKeyInput = string | Uint8Array | JWK | KeyObjectInput | CryptoKey | Signer;

export interface SigningKey {
  readonly alg: SigningAlgorithm;
  readonly kid: string | undefined;
  sign(header: Readonly<Record<string, unknown>>, payload: JWTPayload): Promise<string>;
}

/** Reads the key and chooses its algorithm. Throws `invalid_key`; the message contains the reason. */
export function signingKey(input: SigningKeyInput, alg?: SigningAlgorithm, kid?: string): SigningKey {
  if (typeof input === 'function') {
    if (alg === undefined)
      throw badKey('a signer function needs `alg`', 'Set `alg` to the algorithm that it signs with.');
    return { alg, kid, sign: (header, payload) => signByFunction(input, header, payload) };
  }
  if (isCryptoKey(input)) {
    if (input.type !== 'private') throw badKey(`it is a ${input.type} key`, 'Give the private key.');
    if (!input.usages.includes('sign')) throw badKey('it may not sign', "Import it with the usage 'sign'.");
    return signingWith(input, pickAlgorithm(input, alg), kid);
  }
  if (input instanceof KeyObject) {
    if (input.type !== 'private') throw badKey(`it is a ${input.type} key`, 'Give the private key.');
    return signingWith(input, pickAlgorithm(input, alg), kid);
  }
  if (typeof input === 'string' || types.isUint8Array(input)) {
    const text = readKeyText(typeof input === 'string' ? input : textOfKeyBytes(input));
    if ('json' in text) return fromJson(text.json, alg, kid);
    return signingWith(text.key, pickAlgorithm(text.key, alg), kid);
  }
  if (isJsonObject(input)) return fromJson(input, alg, kid);
  throw badKey('it is none of PEM text, bytes, JWK, KeyObject, CryptoKey and signer function', 'Give one of these.');
}

/** A JWK, or a JWK set with one private key, or with one that has the configured `kid`. */
function fromJson(json: JsonObject, alg: SigningAlgorithm | undefined, kid: string | undefined): SigningKey {
  if (!Array.isArray(json['keys'])) return fromJwk(json, alg, kid);
  const privates = differentOf(json['keys'].filter((key): key is JWK => isJsonObject(key) && key['d'] !== undefined));
  const usable = privates.filter((key) => whyNotForSigning(key) === undefined);
  const candidates = usable.length > 0 ? usable : privates;
  const [jwk, second] = candidates.length > 1 ? candidates.filter((key) => key.kid === kid) : candidates;
  if (jwk && !second) return fromJwk(jwk, alg, kid);
  if (privates.length === 0) throw badKey('it is a JWK set without a private key', 'Give the private JWK.');
  throw badKey(
    `it is a JWK set with ${candidates.length} private keys`,
    'Give one private JWK, or set `kid` to one of them.',
  );
}

/** The keys without repetitions. */
function differentOf(keys: readonly JWK[]): readonly JWK[] {
  return keys.filter((key, index) => keys.findIndex((each) => isDeepStrictEqual(each, key)) === index);
}

/** The members `use` and `key_ops` state the purpose of a JWK (RFC 7517 sections 4.2 and 4.3). */
function whyNotForSigning({ use, key_ops: operations }: JWK): string | undefined {
  if (use !== undefined && use !== 'sig') return `its \`use\` is ${quoted(use)} and not "sig"`;
  const isForSigning = operations === undefined || (Array.isArray(operations) && operations.includes('sign'));
  return isForSigning ? undefined : 'its `key_ops` do not include "sign"';
}

/** For an object that is not a JWK: its kind, if it is recognised, and what to configure instead. */
function notJwk(value: JsonObject): CredenceError {
  if ('privateKey' in value) return badKey('it is a pair of keys', 'Give its member privateKey.');
  if (typeof value['private_key'] === 'string') {
    return badKey('it is a JSON object that contains a key', 'Give the value of its member private_key.');
  }
  if (types.isPromise(value)) return badKey('it is a Promise', 'Await it.');
  if (types.isAnyArrayBuffer(value)) return badKey('it is an ArrayBuffer', 'Give a Uint8Array: new Uint8Array(KEY).');
  if (value instanceof URL || 'file' in value || 'path' in value) {
    return badKey(
      'it names a file in another form than { file: PATH }',
      'Give key: { file: PATH }, with the path as text.',
    );
  }
  return badKey('it is a JSON object and not a JWK', 'Give PEM text, or a JWK with `kty` RSA, EC or OKP.');
}

function fromJwk(jwk: JWK, alg: SigningAlgorithm | undefined, kid: string | undefined): SigningKey {
  if (jwk.kty === 'oct') throw badKey('it is a symmetric JWK', 'Use an RSA, EC or Ed25519 key.');
  if (jwk.kty !== 'EC' && jwk.kty !== 'RSA' && jwk.kty !== 'OKP') {
    throw notJwk(jwk);
  }
  if (jwk.d === undefined) throw badKey('it is a public JWK: `d` is missing', 'Give the private JWK.');
  const otherPurpose = whyNotForSigning(jwk);
  if (otherPurpose !== undefined) throw badKey(otherPurpose, 'Give the key that is registered for signatures.');
  if (jwk.crv === 'secp256k1') throw unsupportedType('a key of the curve secp256k1 (k256)');
  const key = keyOfJwk(jwk);
  const wanted = alg ?? algorithmsOf(key).find((candidate) => candidate === jwk.alg);
  if (alg === undefined && jwk.alg !== undefined && wanted === undefined) {
    throw badKey(`its \`alg\` ${quoted(jwk.alg)} does not fit its type`, 'Correct or drop `alg` in the JWK.');
  }
  return signingWith(key, pickAlgorithm(key, wanted), kid ?? (typeof jwk.kid === 'string' ? jwk.kid : undefined));
}

function signingWith(key: KeyObject | CryptoKey, alg: SigningAlgorithm, kid: string | undefined): SigningKey {
  const isPss = key instanceof KeyObject && key.asymmetricKeyType === 'rsa-pss' && isPssAlgorithm(alg);
  const sign: SigningKey['sign'] = isPss
    ? (header, payload) => signByFunction((input) => signPss(key, alg, input), { ...header, alg }, payload)
    : (header, payload) => new SignJWT(payload).setProtectedHeader({ ...header, alg }).sign(key);
  return {
    alg,
    kid,
    async sign(header, payload) {
      try {
        return await sign(header, payload);
      } catch (cause) {
        throw badKey(`the signature with ${alg} failed`, `Use another key: ${MAKE_A_KEY}`, cause);
      }
    },
  };
}

async function signByFunction(signer: Signer, header: Readonly<Record<string, unknown>>, payload: JWTPayload) {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = await signer(new TextEncoder().encode(input));
  if (!(signature instanceof Uint8Array) || signature.byteLength === 0) {
    throw badKey(
      'the signer function returned no bytes',
      'Return the raw signature (for ES algorithms r and s, not DER).',
    );
  }
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

function keyOfJwk(jwk: JWK): KeyObject {
  try {
    return createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  } catch (cause) {
    throw badKey('the JWK cannot be read', 'Check its members against RFC 7518 section 6.', cause);
  }
}

const RSA: readonly SigningAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const ED: readonly SigningAlgorithm[] = ['EdDSA', 'Ed25519'];
const CURVES: Readonly<Record<string, SigningAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
};

function algorithmsOf(key: KeyObject): readonly SigningAlgorithm[] {
  const details = key.asymmetricKeyDetails;
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      if ((details?.modulusLength ?? 0) < 2048) throw shortRsaKey();
      return key.asymmetricKeyType === 'rsa' ? RSA : pssAlgorithmsOf(key);
    case 'ec': {
      const alg = CURVES[details?.namedCurve ?? ''];
      return alg ? [alg] : [];
    }
    case 'ed25519':
      return ED;
    case 'dsa':
    case 'ed448':
    case 'x25519':
    case 'x448':
    case undefined:
    default:
      return [];
  }
}

function algorithmsOfCryptoKey(key: CryptoKey): readonly SigningAlgorithm[] {
  const { name, hash, namedCurve, modulusLength } = key.algorithm as {
    name: string;
    hash?: { name: string };
    namedCurve?: string;
    modulusLength?: number;
  };
  if (modulusLength !== undefined && modulusLength < 2048) throw shortRsaKey();
  const bits = hash?.name.replace('SHA-', '') ?? '';
  const candidates: Readonly<Record<string, readonly (SigningAlgorithm | undefined)[]>> = {
    'RSASSA-PKCS1-v1_5': [RSA.find((alg) => alg === `RS${bits}`)],
    'RSA-PSS': [RSA.find((alg) => alg === `PS${bits}`)],
    ECDSA: [CURVES[namedCurve ?? '']],
    Ed25519: ED,
  };
  return (candidates[name] ?? []).filter((alg) => alg !== undefined);
}

function pickAlgorithm(key: KeyObject | CryptoKey, wanted: SigningAlgorithm | undefined): SigningAlgorithm {
  const possible = key instanceof KeyObject ? algorithmsOf(key) : algorithmsOfCryptoKey(key);
  const [first] = possible;
  if (!first) throw unsupportedType(key instanceof KeyObject ? typeOf(key) : 'a key of another type or curve');
  if (wanted === undefined) return first;
  if (!possible.includes(wanted)) {
    throw badKey(`it cannot sign ${wanted.slice(0, 20)}`, `Use ${possible.join(', ')}, or another key.`);
  }
  return wanted;
}

/** The type and curve of a key that cannot sign. */
function typeOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  const curve = details?.namedCurve;
  if (curve === 'secp256k1') return 'a key of the curve secp256k1 (k256)';
  return curve === undefined ? `a key of the type ${type ?? 'unknown'}` : `a key of the curve ${curve}`;
}

function isCryptoKey(value: unknown): value is CryptoKey {
  return isJsonObject(value) && 'algorithm' in value && 'usages' in value && 'extractable' in value;
}

function shortRsaKey(): CredenceError {
  return badKey('its RSA modulus is under 2048 bits', 'Generate a key of at least 2048 bits.');
}
