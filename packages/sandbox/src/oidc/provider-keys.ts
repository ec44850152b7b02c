import { exportJWK, generateKeyPair, type JWK } from 'jose';

/**
 * Generates a private ES256 key for oidc-provider's `jwks`. Without `jwks`, oidc-provider uses keys that are published in its
 * source.
 */
export async function providerKeys(): Promise<{ keys: JWK[] }> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] };
}
