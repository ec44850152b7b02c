import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** A private ES256 key for oidc-provider's own `jwks`; without one it would use keys that everybody knows. */
export async function providerKeys(): Promise<{ keys: JWK[] }> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] };
}
