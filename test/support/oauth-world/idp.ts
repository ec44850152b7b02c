import { randomUUID } from 'node:crypto';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import {
  GRANT_CLIENT_CREDENTIALS,
  GRANT_TOKEN_EXCHANGE,
  ID_JAG_TYP,
  TOKEN_TYPE_ACCESS_TOKEN,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_TOKEN,
  TOKEN_TYPE_REFRESH_TOKEN,
} from './identifiers.ts';
import { type PeerRequest, startPeer } from '../peer.ts';
import { ClientRegistry, type RegisteredClient } from './clients.ts';
import { type HonestAnswer, OAuthRefusal, ok, orRefusal, Script } from './script.ts';
import { type Forgery, newSigningKey, type SigningKey, signJwt } from './signing.ts';

export type IdpLeg = 'metadata' | 'jwks' | 'authenticate' | 'exchange' | 'other';

/** An authorization server for which the IdP issues ID-JAGs. */
export interface TrustedAudience {
  readonly issuer: string;
  /** The client ids at the authorization server, by client id at the IdP. */
  readonly clientIds: Readonly<Record<string, string>>;
}

/** The decision that a policy makes: one token exchange. */
export interface ExchangeRequest {
  readonly subject: string;
  readonly clientId: string;
  readonly audience: string;
  readonly resource: string | undefined;
  /** `undefined` if the request has no scope. */
  readonly scopes: readonly string[] | undefined;
}

/** Returns the scopes to grant. Throws an `OAuthRefusal` to refuse the request. */
export type Policy = (request: ExchangeRequest) => readonly string[];

export interface IdpOptions {
  readonly clients: readonly RegisteredClient[];
  readonly policy: Policy;
  /** The path of the issuer identifier, for IdPs with one issuer for each tenant. */
  readonly issuerPath?: string;
  /** The lifetime of an ID-JAG in seconds. Default: 300. */
  readonly idJagLifetime?: number;
}

export interface ScriptedIdp {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly script: Script<IdpLeg>;
  readonly clients: ClientRegistry;
  /** Adds an authorization server for which the IdP issues ID-JAGs. */
  trust(audience: TrustedAudience): void;
  setPolicy(policy: Policy): void;
  /** Makes all further ID-JAGs invalid in this way. Without an argument they are valid again. */
  forge(forgery?: Forgery): void;
  /** ID-JAGs issued so far, in order. */
  readonly issued: readonly string[];
  /** An ID token for a client, as from a single sign-on. It lives `lifetime` seconds (default 300). */
  idToken(claims: {
    readonly audience: string;
    readonly subject?: string;
    readonly lifetime?: number;
  }): Promise<string>;
  /** A refresh token that only this client can use. */
  refreshToken(clientId: string, subject?: string): string;
  /** Signs with a new key, and removes the old key from the JWKS unless `keepOld` is true. */
  rotateKey(options?: { readonly keepOld?: boolean }): Promise<void>;
  publicKeys(): readonly SigningKey['publicJwk'][];
  close(): Promise<void>;
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** An IdP that follows draft-ietf-oauth-identity-assertion-authz-grant until its script replaces answers. */
export async function startScriptedIdp(options: IdpOptions): Promise<ScriptedIdp> {
  const script = new Script<IdpLeg>();
  const audiences = new Map<string, TrustedAudience>();
  const subjects = new Map<string, { clientId: string; subject: string; type: string; expiresAt: number }>();
  const issued: string[] = [];
  let keys = [await newSigningKey()];
  let policy = options.policy;
  let forgery: Forgery | undefined;

  const path = options.issuerPath ?? '';
  const peer = await startPeer(async (request) => {
    const leg = legOf(request);
    return script.answer(leg, request, () => orRefusal(() => honest(leg, request)));
  });
  const issuer = peer.origin + path;
  const tokenEndpoint = `${issuer}/token`;
  const clients = new ClientRegistry(issuer, options.clients);

  function legOf({ method, path: requestPath, form }: PeerRequest): IdpLeg {
    if (requestPath === `${path}/.well-known/openid-configuration`) return 'metadata';
    if (requestPath === `/.well-known/oauth-authorization-server${path}`) return 'metadata';
    if (requestPath === `${path}/jwks`) return 'jwks';
    if (method !== 'POST' || requestPath !== `${path}/token`) return 'other';
    if (form['grant_type'] === GRANT_CLIENT_CREDENTIALS) return 'authenticate';
    return form['grant_type'] === GRANT_TOKEN_EXCHANGE ? 'exchange' : 'other';
  }

  async function honest(leg: IdpLeg, request: PeerRequest): Promise<HonestAnswer> {
    switch (leg) {
      case 'metadata':
        return ok({
          issuer,
          token_endpoint: tokenEndpoint,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: [],
          grant_types_supported: [GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE],
          token_endpoint_auth_methods_supported: [
            'private_key_jwt',
            'client_secret_basic',
            'client_secret_post',
            'none',
          ],
          identity_chaining_requested_token_types_supported: [TOKEN_TYPE_ID_JAG],
        });
      case 'jwks':
        return ok({ keys: publicKeys() });
      case 'authenticate':
        return authenticate(request);
      case 'exchange':
        return exchange(request);
      case 'other':
        if (request.path === `${path}/token`) throw new OAuthRefusal('unsupported_grant_type', 'no such grant here');
        return { status: 404, headers: {}, body: { error: 'not_found' } };
    }
  }

  async function authenticate(request: PeerRequest): Promise<HonestAnswer> {
    const { clientId } = await clients.authenticate(request);
    const token = randomUUID();
    subjects.set(token, { clientId, subject: clientId, type: TOKEN_TYPE_ACCESS_TOKEN, expiresAt: nowSeconds() + 300 });
    const scope = request.form['scope'];
    return ok({
      access_token: token,
      token_type: 'Bearer',
      expires_in: 300,
      ...(scope !== undefined && { scope }),
    });
  }

  async function subjectOf({ form }: PeerRequest, clientId: string): Promise<string> {
    const token = form['subject_token'] ?? '';
    const type = form['subject_token_type'];
    if (type === TOKEN_TYPE_ID_TOKEN) {
      let payload: JWTPayload;
      try {
        // The audience of the ID token must be the client that exchanges it (section 4.3 of draft-ietf-oauth-identity-assertion-authz-grant).
        ({ payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...publicKeys()] }), {
          issuer,
          audience: clientId,
        }));
      } catch {
        throw new OAuthRefusal('invalid_grant', 'the ID token is invalid');
      }
      return String(payload.sub);
    }
    if (type !== TOKEN_TYPE_ACCESS_TOKEN && type !== TOKEN_TYPE_REFRESH_TOKEN) {
      throw new OAuthRefusal('invalid_request', 'subject_token_type is not supported');
    }
    const known = subjects.get(token);
    if (known === undefined || known.type !== type || known.clientId !== clientId || known.expiresAt <= nowSeconds()) {
      throw new OAuthRefusal('invalid_grant', 'the subject token is invalid');
    }
    return known.subject;
  }

  /** The claim `act`, for an actor token that this client has got for itself. */
  function actorOf({ form }: PeerRequest, clientId: string): { act?: { sub: string } } {
    const token = form['actor_token'];
    if (token === undefined || form['actor_token_type'] !== TOKEN_TYPE_ACCESS_TOKEN) return {};
    const known = subjects.get(token);
    if (known?.clientId !== clientId || known.expiresAt <= nowSeconds()) {
      throw new OAuthRefusal('invalid_grant', 'the actor token is invalid');
    }
    return { act: { sub: known.subject } };
  }

  async function exchange(request: PeerRequest): Promise<HonestAnswer> {
    const { form } = request;
    const client = await clients.authenticate(request);
    if (form['requested_token_type'] !== TOKEN_TYPE_ID_JAG) {
      throw new OAuthRefusal('invalid_request', 'requested_token_type is not supported');
    }
    const subject = await subjectOf(request, client.clientId);
    const audience = audiences.get(form['audience'] ?? '');
    const clientIdAtAudience = audience?.clientIds[client.clientId];
    if (audience === undefined || clientIdAtAudience === undefined) {
      throw new OAuthRefusal('invalid_target', 'no such audience for this client');
    }
    const resource = form['resource'];
    const scopes = form['scope']?.split(' ');
    const granted = policy({ subject, clientId: client.clientId, audience: audience.issuer, resource, scopes });
    const scope = granted.join(' ');
    const lifetime = options.idJagLifetime ?? 300;
    const [key] = keys;
    if (key === undefined) throw new OAuthRefusal('server_error', 'no signing key', 500);
    const claims = {
      iss: issuer,
      sub: subject,
      aud: audience.issuer,
      client_id: clientIdAtAudience,
      jti: randomUUID(),
      iat: nowSeconds(),
      exp: nowSeconds() + lifetime,
      ...(resource !== undefined && { resource }),
      ...(scope !== '' && { scope }),
      ...actorOf(request, client.clientId),
    };
    const idJag = await signJwt(key, ID_JAG_TYP, claims, forgery);
    issued.push(idJag);
    return ok({
      access_token: idJag,
      issued_token_type: TOKEN_TYPE_ID_JAG,
      token_type: 'N_A',
      expires_in: lifetime,
      ...(scope !== '' && { scope }),
      ...(resource !== undefined && { resource }),
    });
  }

  function publicKeys(): readonly SigningKey['publicJwk'][] {
    return keys.map((key) => key.publicJwk);
  }

  return {
    issuer,
    tokenEndpoint,
    script,
    clients,
    issued,
    publicKeys,
    trust(audience) {
      audiences.set(audience.issuer, audience);
    },
    setPolicy(next) {
      policy = next;
    },
    forge(next) {
      forgery = next;
    },
    async idToken({ audience, subject = audience, lifetime = 300 }) {
      const [key] = keys;
      if (key === undefined) throw new Error('the IdP has no key');
      const iat = nowSeconds();
      return signJwt(key, 'JWT', { iss: issuer, sub: subject, aud: audience, iat, exp: iat + lifetime });
    },
    refreshToken(clientId, subject = clientId) {
      const token = randomUUID();
      const expiresAt = nowSeconds() + 86_400;
      subjects.set(token, { clientId, subject, type: TOKEN_TYPE_REFRESH_TOKEN, expiresAt });
      return token;
    },
    async rotateKey({ keepOld = false } = {}) {
      keys = [await newSigningKey(), ...(keepOld ? keys : [])];
    },
    async close() {
      await peer.close();
    },
  };
}
