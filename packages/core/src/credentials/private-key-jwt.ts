import { randomUUID } from 'node:crypto';
import { types } from 'node:util';
import { CLIENT_ASSERTION_TYPE_JWT_BEARER, type SigningAlgorithm } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { nonEmpty, unavailable } from './checks.ts';
import type { ClientCredential, CredentialWarning } from './credential.ts';
import { fingerprintOf } from './fingerprint.ts';
import { textOfKeyBytes } from './key-der.ts';
import { isFile, readSecretFile, rotatingFile } from './rotating.ts';
import { type SigningKey, signingKey, type SigningKeyInput } from './signing-key.ts';

const OPTION = 'privateKeyJwt({ key })';
/** RFC 7523 section 3 gives no limit for the age of `iat`, and servers have no tolerance for one that is ahead of their clock. */
const MAX_BACKDATING_SECONDS = 5;

type Warn = ((warning: CredentialWarning) => void) | undefined;

/** Options of `privateKeyJwt`. */
export interface PrivateKeyJwtOptions {
  /** The client id at the issuer that this credential belongs to. The client id becomes `iss` and `sub` of the assertion. */
  clientId: string;
  /**
   * A private key as PEM (PKCS#8, PKCS#1 or SEC1, also with certificates or other text around it), bytes (PEM or DER), JWK, KeyObject
   * or CryptoKey, a function that signs bytes (then `alg` is required), or a regular file of at most 1 MiB with a PEM, a JWK or DER that
   * may be replaced while the bot runs. An encrypted key is refused. If the file has no usable key for a while, the last good key is
   * used, with a warning.
   */
  key: SigningKeyInput | { readonly file: string };
  /** Default: the `alg` of the JWK, else RS256 for RSA, PS256, PS384 or PS512 for RSA-PSS by the hash of the key, ES256, ES384 or ES512 by the curve, and EdDSA for Ed25519. */
  alg?: SigningAlgorithm | undefined;
  /** The header parameter `kid`. Default: the `kid` of the JWK, if it has one. */
  kid?: string | undefined;
  /** The claim `aud`. Default: the configured issuer as one string (RFC 7523bis). Some IdPs require another audience. */
  audience?: string | readonly string[] | undefined;
  /**
   * The time from `iat` to `exp`, in seconds. Default 60, at least 5, at most 3,600. `iat` is up to five seconds before the time of the
   * request, because some servers accept no `iat` that is ahead of their clock.
   */
  lifetimeSeconds?: number | undefined;
  /**
   * Additional claims, or a function that returns them for each assertion. These claims cannot replace `iss`, `sub`, `aud`, `exp`, `iat`
   * and `jti`.
   */
  claims?: AssertionMembers | undefined;
  /**
   * Additional header parameters, or a function that returns them for each assertion. These parameters cannot replace `alg`, `typ` and
   * the configured `kid`.
   */
  header?: AssertionMembers | undefined;
  /** The header parameter `typ`. Default: `JWT`. False: the header has no `typ`. */
  typ?: string | false | undefined;
}

/**
 * Members of an assertion: fixed, or by a function that is called for each assertion. `nowSeconds` is the time of the request in seconds
 * since the epoch, by the clock of the issuer.
 */
export type AssertionMembers =
  Readonly<Record<string, unknown>> | ((request: { readonly nowSeconds: number }) => Readonly<Record<string, unknown>>);

/**
 * Client authentication by a JWT that the principal signs (RFC 7523 section 2.2, method `private_key_jwt`). Each request has a new
 * JWT with a random `jti`. Throws `invalid_key` or `invalid_configuration`.
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'privateKeyJwt({ clientId })');
  const key = keySource(options);
  const lifetime = options.lifetimeSeconds ?? 60;
  if (!Number.isInteger(lifetime) || lifetime < 5 || lifetime > 3_600) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: 'privateKeyJwt({ lifetimeSeconds }) is not a whole number from 5 to 3600.',
      remedy: 'Leave it out: the default of 60 seconds is enough for one request.',
      contact: 'you',
    });
  }
  return {
    method: 'private_key_jwt',
    clientId,
    file: isFile(options.key) ? options.key.file : undefined,
    fingerprint: () => key.fingerprint(),
    async authenticate({ issuer, body, nowMs, warn }) {
      const signer = await key.now(warn);
      const nowSeconds = Math.floor(nowMs / 1000);
      const issuedAt = nowSeconds - Math.min(MAX_BACKDATING_SECONDS, Math.floor(lifetime / 4));
      const audience = options.audience ?? issuer;
      const header = {
        ...membersOf(options.header, nowSeconds),
        alg: signer.alg,
        ...typOf(options.typ),
        ...(signer.kid !== undefined && { kid: signer.kid }),
      };
      const payload = {
        ...membersOf(options.claims, nowSeconds),
        iss: clientId,
        sub: clientId,
        aud: typeof audience === 'string' ? audience : [...audience],
        jti: randomUUID(),
        iat: issuedAt,
        exp: issuedAt + lifetime,
      };
      let jwt: string;
      try {
        jwt = await signer.sign(header, payload);
      } catch (cause) {
        throw isCredenceError(cause) ? cause : unavailable('The signature of privateKeyJwt', cause);
      }
      body.set('client_id', clientId);
      body.set('client_assertion_type', CLIENT_ASSERTION_TYPE_JWT_BEARER);
      body.set('client_assertion', jwt);
    },
  };
}

function membersOf(members: AssertionMembers | undefined, nowSeconds: number): Readonly<Record<string, unknown>> {
  return (typeof members === 'function' ? members({ nowSeconds }) : members) ?? {};
}

function typOf(typ: string | false = 'JWT'): { readonly typ?: string } {
  return typ === false ? {} : { typ };
}

interface KeySource {
  readonly now: (warn: Warn) => SigningKey | Promise<SigningKey>;
  /** Undefined for a function that signs, a KeyObject and a CryptoKey: the credential object then stands for its key. */
  readonly fingerprint: () => Promise<string | undefined>;
}

/** A file is read at each call, and parsed again if its text has changed. */
function keySource({ key, alg, kid, audience, claims, header, typ }: PrivateKeyJwtOptions): KeySource {
  const fingerprint = (text: unknown) => fingerprintOf(JSON.stringify([text, alg, kid, audience, claims, header, typ]));
  if (!isFile(key)) {
    const fixed = signingKey(key, alg, kid);
    if (types.isUint8Array(key)) {
      const text = textOfKeyBytes(key);
      return { now: () => fixed, fingerprint: async () => fingerprint(text) };
    }
    const isReadable = typeof key === 'string' || (typeof key === 'object' && ('kty' in key || 'keys' in key));
    return { now: () => fixed, fingerprint: async () => (isReadable ? fingerprint(key) : undefined) };
  }
  const initial = readSecretFile(key, OPTION, textOfKeyBytes);
  const file = rotatingFile(key, OPTION, (text) => signingKey(text, alg, kid), initial, textOfKeyBytes);
  return { now: (warn) => file.current(warn), fingerprint: async () => fingerprint(await file.text()) };
}
