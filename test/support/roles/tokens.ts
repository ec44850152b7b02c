import type { SigningKeys } from '@credence/identity-provider';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export const IDP = 'https://idp.example';
export const AS = 'https://as.example';
export const RESOURCE = 'https://mcp.example/mcp';

/** An ID-JAG of {@link IDP} for the client `bot` at {@link AS}, with nothing wrong but what `claims` replace. */
export function signIdJag(keys: SigningKeys, claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const good = {
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
  return keys.sign({ ...good, ...claims }, { typ: 'oauth-id-jag+jwt' });
}

/** A DPoP proof for a POST to this URL (or another method), by a key of its own. */
export async function dpopProof(htu: string, htm = 'POST'): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return new SignJWT({ htm, htu, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(privateKey);
}
