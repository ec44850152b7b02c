import { randomUUID } from 'node:crypto';
import { CLIENT_ASSERTION_TYPE_JWT_BEARER, parseJsonObject, type SigningAlgorithm } from '@credence/protocol';
import { CredenceError, isCredenceError } from '../errors/credence-error.ts';
import { nonEmpty, unavailable } from './checks.ts';
import type { ClientCredential } from './credential.ts';
import { current, currentFile, isFile } from './rotating.ts';
import { type SigningKey, signingKey, type SigningKeyInput } from './signing-key.ts';

const OPTION = 'privateKeyJwt({ key })';

/** Options of `privateKeyJwt`. */
export interface PrivateKeyJwtOptions {
  /** The client id at the issuer that this credential belongs to: claims `iss` and `sub` of the assertion. */
  clientId: string;
  /**
   * PEM (PKCS#8), private JWK, CryptoKey, a function that signs bytes elsewhere (then `alg` is required), or a file with a PEM
   * or JWK that may be replaced while the bot runs.
   */
  key: SigningKeyInput | { readonly file: string };
  /** Default: what the key is for (RS256 for RSA, ES256/384/512 by curve, EdDSA for Ed25519), or the JWK's `alg`. */
  alg?: SigningAlgorithm | undefined;
  /** Header `kid`. Default: the JWK's, else none. */
  kid?: string | undefined;
  /** Claim `aud`. Default: the configured issuer as one string (RFC 7523bis); some IdPs want another. */
  audience?: string | readonly string[] | undefined;
  /** From `iat` to `exp`, in seconds. Default 60, at most 3,600. */
  lifetimeSeconds?: number | undefined;
  /** Further claims; they cannot replace `iss`, `sub`, `aud`, `exp`, `iat` and `jti`. */
  claims?: Readonly<Record<string, unknown>> | undefined;
  /** Further header parameters; they cannot replace `alg` and `typ`. */
  header?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Client authentication by a JWT the principal signs itself (RFC 7523 section 2.2, method `private_key_jwt`), new for each
 * request, with a random `jti`. Throws `invalid_key` or `invalid_configuration`.
 */
export function privateKeyJwt(options: PrivateKeyJwtOptions): ClientCredential {
  const clientId = nonEmpty(options.clientId, 'privateKeyJwt({ clientId })');
  const keyNow = rotatingKey(options);
  const lifetime = options.lifetimeSeconds ?? 60;
  if (!Number.isInteger(lifetime) || lifetime < 5 || lifetime > 3_600) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: 'privateKeyJwt({ lifetimeSeconds }) is not a whole number from 5 to 3600.',
      remedy: 'Leave it out: a minute is enough for one request.',
      contact: 'you',
    });
  }
  return {
    method: 'private_key_jwt',
    clientId,
    async authenticate({ issuer, body, nowMs }) {
      const key = await keyNow();
      const now = Math.floor(nowMs / 1000);
      const audience = options.audience ?? issuer;
      const header = {
        ...options.header,
        alg: key.alg,
        typ: 'JWT',
        ...(key.kid !== undefined && { kid: key.kid }),
      };
      const payload = {
        ...options.claims,
        iss: clientId,
        sub: clientId,
        aud: typeof audience === 'string' ? audience : [...audience],
        jti: randomUUID(),
        iat: now,
        exp: now + lifetime,
      };
      let jwt: string;
      try {
        jwt = await key.sign(header, payload);
      } catch (cause) {
        throw isCredenceError(cause) ? cause : unavailable('The signature of privateKeyJwt', cause);
      }
      body.set('client_id', clientId);
      body.set('client_assertion_type', CLIENT_ASSERTION_TYPE_JWT_BEARER);
      body.set('client_assertion', jwt);
    },
  };
}

/** The key, read again before each request where it is in a file, and parsed again where the file has changed. */
function rotatingKey({ key, alg, kid }: PrivateKeyJwtOptions): () => SigningKey | Promise<SigningKey> {
  if (!isFile(key)) {
    const fixed = signingKey(key, alg, kid);
    return () => fixed;
  }
  const parse = (text: string) => ({ text, key: signingKey(parseJsonObject(text) ?? text, alg, kid) });
  let known = parse(currentFile(key, OPTION));
  return async () => {
    const text = await current(key, OPTION);
    if (text !== known.text) known = parse(text);
    return known.key;
  };
}
