import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import type { Clock } from '@credence/core';
import { type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';

const ALG = 'ES256';

/** The key with which the IdP signs ID-JAGs and ID tokens. */
export interface SigningKey {
  readonly publicJwk: JWK;
  /** Signs claims as a JWT with `iat`, `exp` and `jti`. */
  sign(typ: string, claims: JWTPayload, lifetimeSeconds: number): Promise<string>;
  /** The claims of a JWT of this key. Rejects if it is another key's, or expired. */
  verify(jwt: string, options: { issuer: string; audience?: string }): Promise<JWTPayload>;
}

/** Makes a new key. */
export function signingKey(clock: Clock): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { kty = 'EC', crv = 'P-256', x = '', y = '' } = publicKey.export({ format: 'jwk' });
  // The thumbprint of RFC 7638 section 3.
  const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return {
    publicJwk: { kty, crv, x, y, kid, alg: ALG, use: 'sig' },
    async sign(typ, claims, lifetimeSeconds) {
      const iat = Math.floor(clock.wallMs() / 1000);
      return new SignJWT({ jti: randomUUID(), ...claims, iat, exp: iat + lifetimeSeconds })
        .setProtectedHeader({ alg: ALG, typ, kid })
        .sign(privateKey);
    },
    async verify(jwt, options) {
      const { payload } = await jwtVerify(jwt, publicKey, {
        ...options,
        algorithms: [ALG],
        currentDate: new Date(clock.wallMs()),
      });
      return payload;
    },
  };
}
