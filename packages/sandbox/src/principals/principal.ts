import { randomBytes } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import type { AuthorizationServerName, PrincipalName } from './seed.ts';

/** A client id and a shared secret, valid at one issuer only. */
export interface SecretCredential {
  /** The client id at that issuer. */
  clientId: string;
  /** The shared secret of that client. */
  clientSecret: string;
}

/** The credentials of one service principal: a key and a secret for the IdP, and another secret for each authorization server. */
export interface PrincipalCredentials {
  name: PrincipalName;
  /** The ES256 private key as PKCS#8 PEM. Its public key is registered at the IdP. */
  privateKey: string;
  keyId: string;
  publicJwk: JWK;
  secretClient: SecretCredential;
  at: Record<AuthorizationServerName, SecretCredential>;
}

export async function createCredentials(name: PrincipalName): Promise<PrincipalCredentials> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  const keyId = await calculateJwkThumbprint(publicJwk);
  return {
    name,
    privateKey: await exportPKCS8(privateKey),
    keyId,
    publicJwk: { ...publicJwk, kid: keyId, alg: 'ES256', use: 'sig' },
    secretClient: { clientId: `${name}-secret`, clientSecret: randomSecret() },
    at: { main: clientAtServer('main'), research: clientAtServer('research') },
  };
}

/** Makes a random client id, because a real authorization server's client ids do not contain the name of the principal either. */
function clientAtServer(name: AuthorizationServerName): SecretCredential {
  return { clientId: `${name}-${randomBytes(6).toString('hex')}`, clientSecret: randomSecret() };
}

export function randomSecret(): string {
  return randomBytes(24).toString('base64url');
}
