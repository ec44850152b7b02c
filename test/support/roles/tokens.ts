import type { SigningKeys } from '@credence/identity-provider';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export const IDP = 'https://idp.example';
export const AS = 'https://as.example';
export const RESOURCE = 'https://mcp.example/mcp';

/** A valid ID-JAG of {@link IDP} for the client `bot` at {@link AS}, with some claims replaced. */
export function signIdJag(keys: SigningKeys, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const valid = {
    iss: IDP,
    sub: 's',
    aud: AS,
    client_id: 'bot',
    jti: crypto.randomUUID(),
    iat,
    exp: iat + 60,
    resource: RESOURCE,
    scope: 'a',
  };
  return keys.sign({ ...valid, ...claims }, { typ: 'oauth-id-jag+jwt' });
}

/** A DPoP proof of a new key, for a request with this method to this URL. */
export async function dpopProof(htu: string, htm = 'POST'): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return new SignJWT({ htm, htu, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(privateKey);
}
