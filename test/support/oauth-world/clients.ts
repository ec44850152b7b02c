import { createLocalJWKSet, decodeJwt, type JWK, type JWTPayload, jwtVerify } from 'jose';
import type { PeerRequest } from '../peer.ts';
import { CLIENT_ASSERTION_TYPE_JWT_BEARER } from './identifiers.ts';
import { OAuthRefusal } from './script.ts';

/** A client registration. A client with neither a secret nor a key is public. */
export interface RegisteredClient {
  readonly clientId: string;
  readonly secret?: string;
  /** Public keys for private_key_jwt. */
  readonly keys?: readonly JWK[];
}

/** Client authentication at a token endpoint (RFC 6749 section 2.3, RFC 7523 section 3). */
export class ClientRegistry {
  readonly #clients = new Map<string, RegisteredClient>();
  readonly #seenAssertions = new Set<string>();
  readonly #issuer: string;

  constructor(issuer: string, clients: readonly RegisteredClient[]) {
    this.#issuer = issuer;
    for (const client of clients) this.register(client);
  }

  register(client: RegisteredClient): void {
    this.#clients.set(client.clientId, client);
  }

  remove(clientId: string): void {
    this.#clients.delete(clientId);
  }

  async authenticate({ form, basic }: PeerRequest): Promise<RegisteredClient> {
    const assertion = form['client_assertion'];
    if (assertion !== undefined) {
      if (form['client_assertion_type'] !== CLIENT_ASSERTION_TYPE_JWT_BEARER)
        throw refused('unknown client_assertion_type', false);
      return this.#byAssertion(assertion);
    }
    const id = basic?.id ?? form['client_id'];
    const client = id === undefined ? undefined : this.#clients.get(id);
    if (client === undefined) throw refused('no such client', basic !== undefined);
    if (client.keys !== undefined) throw refused('this client authenticates by private_key_jwt', basic !== undefined);
    if ((basic?.secret ?? form['client_secret']) !== client.secret) throw refused('wrong secret', basic !== undefined);
    return client;
  }

  async #byAssertion(assertion: string): Promise<RegisteredClient> {
    let claims: JWTPayload;
    let client: RegisteredClient | undefined;
    try {
      client = this.#clients.get(decodeJwt(assertion).iss ?? '');
      const keys = createLocalJWKSet({ keys: [...(client?.keys ?? [])] });
      // RFC 7523bis: the audience is the issuer identifier, as a single string.
      const requiredClaims = ['iss', 'sub', 'exp', 'jti'];
      ({ payload: claims } = await jwtVerify(assertion, keys, { audience: this.#issuer, requiredClaims }));
    } catch (error) {
      throw refused(`assertion: ${error instanceof Error ? error.message : 'unreadable'}`, false);
    }
    if (client === undefined || claims.sub !== claims.iss) throw refused('iss and sub are not the same client', false);
    if (typeof claims.aud !== 'string') throw refused('aud is not a single string', false);
    if (this.#seenAssertions.has(String(claims.jti))) throw refused('assertion used before', false);
    this.#seenAssertions.add(String(claims.jti));
    return client;
  }
}

function refused(description: string, byHeader: boolean): OAuthRefusal {
  // RFC 6749 section 5.2: the answer has a challenge if the client used the Authorization header.
  const headers = byHeader ? { 'www-authenticate': 'Basic realm="token endpoint"' } : undefined;
  return new OAuthRefusal('invalid_client', description, 401, headers);
}
