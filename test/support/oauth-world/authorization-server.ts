import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, decodeJwt, type JWTPayload, jwtVerify } from 'jose';
import { GRANT_CLIENT_CREDENTIALS, GRANT_JWT_BEARER, GRANT_PROFILE_ID_JAG, ID_JAG_TYP } from './identifiers.ts';
import type { TokenInfo } from '../mcp-servers/tokens.ts';
import { type PeerRequest, startPeer } from '../peer.ts';
import { ClientRegistry, type RegisteredClient } from './clients.ts';
import type { ScriptedIdp } from './idp.ts';
import { type HonestAnswer, OAuthRefusal, ok, orRefusal, Script } from './script.ts';

export type AsLeg = 'metadata' | 'redeem' | 'client-credentials' | 'other';

export interface AuthorizationServerOptions {
  readonly clients: readonly RegisteredClient[];
  /** The IdPs whose ID-JAGs it accepts. */
  readonly trusts: readonly Pick<ScriptedIdp, 'issuer' | 'publicKeys'>[];
  /** The resource identifiers for which it issues access tokens. `protect` adds more. */
  readonly resources?: readonly string[];
  /** All scopes that it supports. */
  readonly scopes: readonly string[];
  /** Whether a second redemption of an ID-JAG is refused with `invalid_grant`. Default: it is accepted until it expires. */
  readonly singleUse?: boolean;
  readonly issuerPath?: string;
  /** The lifetime of an access token in seconds. Default: 300. */
  readonly tokenLifetime?: number;
}

export interface ScriptedAuthorizationServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly script: Script<AsLeg>;
  readonly clients: ClientRegistry;
  /** Adds a resource for which it issues access tokens. */
  protect(resource: string): void;
  setSingleUse(singleUse: boolean): void;
  /** Verifies an access token of this server, for an MCP server. */
  readonly verify: (token: string) => TokenInfo | undefined;
  revoke(token: string): void;
  revokeAll(): void;
  /** Access tokens issued so far, in order. */
  readonly issued: readonly string[];
  close(): Promise<void>;
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function asList(value: unknown): readonly string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}

/** An authorization server that redeems ID-JAGs. It follows draft-ietf-oauth-identity-assertion-authz-grant until its script replaces responses. */
export async function startScriptedAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<ScriptedAuthorizationServer> {
  const script = new Script<AsLeg>();
  const resources = new Set(options.resources);
  const tokens = new Map<string, TokenInfo & { expiresAt: number }>();
  const issued: string[] = [];
  const redeemed = new Set<string>();
  let singleUse = options.singleUse ?? false;

  const path = options.issuerPath ?? '';
  const peer = await startPeer(async (request) => {
    const leg = legOf(request);
    return script.answer(leg, request, () => orRefusal(() => honest(leg, request)));
  });
  const issuer = peer.origin + path;
  const tokenEndpoint = `${issuer}/token`;
  const clients = new ClientRegistry(issuer, options.clients);

  function legOf({ method, path: requestPath, form }: PeerRequest): AsLeg {
    if (requestPath === `/.well-known/oauth-authorization-server${path}`) return 'metadata';
    if (method !== 'POST' || requestPath !== `${path}/token`) return 'other';
    if (form['grant_type'] === GRANT_JWT_BEARER) return 'redeem';
    return form['grant_type'] === GRANT_CLIENT_CREDENTIALS ? 'client-credentials' : 'other';
  }

  async function honest(leg: AsLeg, request: PeerRequest): Promise<HonestAnswer> {
    switch (leg) {
      case 'metadata':
        return ok({
          issuer,
          token_endpoint: tokenEndpoint,
          response_types_supported: [],
          grant_types_supported: [GRANT_JWT_BEARER, GRANT_CLIENT_CREDENTIALS],
          authorization_grant_profiles_supported: [GRANT_PROFILE_ID_JAG],
          token_endpoint_auth_methods_supported: [
            'private_key_jwt',
            'client_secret_basic',
            'client_secret_post',
            'none',
          ],
          scopes_supported: options.scopes,
        });
      case 'redeem':
        return redeem(request);
      case 'client-credentials':
        return clientCredentials(request);
      case 'other':
        if (request.path === `${path}/token`) throw new OAuthRefusal('unsupported_grant_type', 'no such grant here');
        return { status: 404, headers: {}, body: { error: 'not_found' } };
    }
  }

  function issue(clientId: string, scopes: readonly string[], resource: string | undefined): HonestAnswer {
    const token = randomUUID();
    const lifetime = options.tokenLifetime ?? 300;
    tokens.set(token, { clientId, scopes, expiresAt: nowSeconds() + lifetime });
    issued.push(token);
    return ok({
      access_token: token,
      token_type: 'Bearer',
      expires_in: lifetime,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      ...(resource !== undefined && { resource }),
    });
  }

  async function verifyIdJag(assertion: string): Promise<JWTPayload> {
    const invalidGrant = (reason: string): OAuthRefusal => new OAuthRefusal('invalid_grant', reason);
    let iss: string | undefined;
    try {
      ({ iss } = decodeJwt(assertion));
    } catch {
      throw invalidGrant('the assertion is not a JWT');
    }
    const idp = options.trusts.find((trusted) => trusted.issuer === iss);
    if (idp === undefined) throw invalidGrant('the issuer is not trusted');
    try {
      const { payload } = await jwtVerify(assertion, createLocalJWKSet({ keys: [...idp.publicKeys()] }), {
        typ: ID_JAG_TYP,
        audience: issuer,
        requiredClaims: ['iss', 'sub', 'aud', 'client_id', 'jti', 'exp', 'iat'],
      });
      if (Array.isArray(payload.aud) && payload.aud.length !== 1) throw new Error('several audiences');
      return payload;
    } catch (error) {
      throw invalidGrant(error instanceof Error ? error.message : 'the assertion is invalid');
    }
  }

  async function redeem(request: PeerRequest): Promise<HonestAnswer> {
    const { form } = request;
    const client = await clients.authenticate(request);
    const claims = await verifyIdJag(form['assertion'] ?? '');
    if (claims['client_id'] !== client.clientId) {
      throw new OAuthRefusal('invalid_grant', 'the assertion was issued to another client');
    }
    const jti = `${claims.iss} ${claims.jti}`;
    if (singleUse && redeemed.has(jti)) throw new OAuthRefusal('invalid_grant', 'the assertion was used before');
    const granted = asList(claims['resource']);
    const resource = form['resource'] ?? granted[0];
    if (resource !== undefined && !resources.has(resource))
      throw new OAuthRefusal('invalid_target', 'no such resource');
    if (resource !== undefined && granted.length > 0 && !granted.includes(resource)) {
      throw new OAuthRefusal('invalid_target', 'the assertion is for another resource');
    }
    const ceiling = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : [];
    const scopes = form['scope']?.split(' ') ?? ceiling;
    if (!scopes.every((scope) => ceiling.includes(scope) && options.scopes.includes(scope))) {
      throw new OAuthRefusal('invalid_scope', 'the assertion does not contain all requested scopes');
    }
    redeemed.add(jti);
    return issue(client.clientId, scopes, resource);
  }

  async function clientCredentials(request: PeerRequest): Promise<HonestAnswer> {
    const { form } = request;
    const client = await clients.authenticate(request);
    if (client.secret === undefined && client.keys === undefined) {
      // RFC 6749 section 4.4: this grant is only for confidential clients.
      throw new OAuthRefusal('unauthorized_client', 'a public client cannot use this grant');
    }
    const resource = form['resource'];
    if (resource !== undefined && !resources.has(resource))
      throw new OAuthRefusal('invalid_target', 'no such resource');
    const scopes = form['scope']?.split(' ') ?? options.scopes;
    if (!scopes.every((scope) => options.scopes.includes(scope))) {
      throw new OAuthRefusal('invalid_scope', 'no such scope');
    }
    return issue(client.clientId, scopes, resource);
  }

  return {
    issuer,
    tokenEndpoint,
    script,
    clients,
    issued,
    protect(resource) {
      resources.add(resource);
    },
    setSingleUse(next) {
      singleUse = next;
    },
    verify(token) {
      const info = tokens.get(token);
      return info === undefined || info.expiresAt <= nowSeconds() ? undefined : info;
    },
    revoke(token) {
      tokens.delete(token);
    },
    revokeAll() {
      tokens.clear();
    },
    async close() {
      await peer.close();
    },
  };
}
