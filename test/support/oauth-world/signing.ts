import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, type CryptoKey, type JWK, SignJWT } from 'jose';

const ALG = 'ES256';

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

export async function newSigningKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(ALG);
  const kid = randomUUID();
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: ALG, use: 'sig' } };
}

/** The changes that make an ID-JAG invalid. */
export interface Forgery {
  readonly claims?: (claims: Readonly<Record<string, unknown>>) => Record<string, unknown>;
  /** Changes the header, for example `typ`. `alg` cannot be changed here. */
  readonly header?: (header: Readonly<Record<string, unknown>>) => Record<string, unknown>;
  /** `none`: `alg: none` without a signature. `unpublished-key`: signed by a key that is not in the JWKS. */
  readonly signature?: 'none' | 'unpublished-key';
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Signs a JWT, with the changes of `forgery`. */
export async function signJwt(
  key: SigningKey,
  typ: string,
  claims: Readonly<Record<string, unknown>>,
  forgery: Forgery = {},
): Promise<string> {
  const payload = forgery.claims?.(claims) ?? claims;
  const validHeader = { alg: ALG, typ, kid: key.kid };
  const header = { ...(forgery.header?.(validHeader) ?? validHeader), alg: ALG };
  if (forgery.signature === 'none') return `${base64url({ ...header, alg: 'none' })}.${base64url(payload)}.`;
  const signer = forgery.signature === 'unpublished-key' ? await newSigningKey() : key;
  return new SignJWT({ ...payload }).setProtectedHeader(header).sign(signer.privateKey);
}
