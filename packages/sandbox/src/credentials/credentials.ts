import { randomBytes } from 'node:crypto';
import type { JWK } from 'jose';
import type { WorldPrincipal } from '../world/principal.ts';
import { givenKey, newKey } from './key.ts';

/** A client id and a shared secret, valid at one issuer only. */
export interface SecretCredential {
  /** The client id at that issuer. */
  clientId: string;
  /** The shared secret of that client. */
  clientSecret: string;
}

/** The credentials of one service principal at the IdP. */
export interface PrincipalCredentials {
  name: string;
  /** Which of the two clients the principal uses by default. */
  credential: 'private-key' | 'secret';
  /** The client id of the client that signs with the key. */
  clientId: string;
  /** The private key as PKCS#8 PEM. Its public key is registered at the IdP. */
  privateKey: string;
  keyId: string;
  publicJwk: JWK;
  secretClient: SecretCredential;
}

/** @param names are the names of all principals, which no client of another principal may have as id. */
export async function createCredentials(
  principal: WorldPrincipal,
  names: ReadonlySet<string>,
): Promise<PrincipalCredentials> {
  const { name, credential, privateKey, secret = randomSecret() } = principal;
  const key = await (privateKey === undefined ? newKey(principal.keyId) : givenKey(name, privateKey, principal.keyId));
  const isSecret = credential === 'secret';
  return {
    name,
    credential,
    clientId: isSecret ? unused(`${name}-key`, names) : name,
    ...key,
    secretClient: { clientId: isSecret ? name : unused(`${name}-secret`, names), clientSecret: secret },
  };
}

/** Makes a random client id, because a real authorization server's client ids do not contain the name of the principal either. */
export function clientAt(authorizationServer: string): SecretCredential {
  return { clientId: `${authorizationServer}-${randomBytes(6).toString('hex')}`, clientSecret: randomSecret() };
}

export function randomSecret(): string {
  return randomBytes(24).toString('base64url');
}

function unused(clientId: string, names: ReadonlySet<string>): string {
  return names.has(clientId) ? `${clientId}-${randomBytes(6).toString('hex')}` : clientId;
}
