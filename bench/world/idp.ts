import { randomUUID } from 'node:crypto';
import { type CryptoKey, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { isClient, type RegisteredClient } from './clients.ts';
import { type ReceivedRequest, type Answer, serve } from './http.ts';
import { ID_JAG_LIFETIME_SECONDS, IDP_TOKEN_LIFETIME_SECONDS, SCOPE, type State } from './state.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';

export interface Idp {
  readonly issuer: string;
  readonly publicKey: CryptoKey;
}

/** An IdP that issues a principal its own tokens and exchanges them for ID-JAGs. */
export async function startIdp(
  state: State,
  client: RegisteredClient,
  clientIdAt: (audience: string) => string,
): Promise<Idp> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');

  const sign = (issuer: string, typ: string, lifetimeSeconds: number, claims: Record<string, unknown>) => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ ...claims, iss: issuer, sub: client.clientId, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', typ })
      .setIssuedAt(now)
      .setExpirationTime(now + lifetimeSeconds)
      .sign(privateKey);
  };

  const token = async (issuer: string, request: ReceivedRequest): Promise<Answer> => {
    const form = new URLSearchParams(request.body);
    if (!(await isClient(client, issuer, form, request.authorization))) return refused('invalid_client', 401);
    if (form.get('grant_type') === 'client_credentials') {
      const [accessToken, idToken] = await Promise.all([
        sign(issuer, 'at+jwt', IDP_TOKEN_LIFETIME_SECONDS, { aud: issuer }),
        sign(issuer, 'JWT', IDP_TOKEN_LIFETIME_SECONDS, { aud: client.clientId }),
      ]);
      const lifetime = { token_type: 'Bearer', expires_in: IDP_TOKEN_LIFETIME_SECONDS };
      return { status: 200, json: { ...lifetime, access_token: accessToken, id_token: idToken } };
    }
    if (form.get('grant_type') !== EXCHANGE) return refused('unsupported_grant_type');
    await jwtVerify(form.get('subject_token') ?? '', publicKey, { issuer });
    const audience = form.get('audience') ?? '';
    const idJag = await sign(issuer, 'oauth-id-jag+jwt', ID_JAG_LIFETIME_SECONDS, {
      aud: audience,
      client_id: clientIdAt(audience),
      resource: form.get('resource'),
      scope: SCOPE,
    });
    return {
      status: 200,
      json: {
        issued_token_type: ID_JAG,
        access_token: idJag,
        token_type: 'N_A',
        scope: SCOPE,
        expires_in: ID_JAG_LIFETIME_SECONDS,
      },
    };
  };

  const issuer = await serve(state.latencyMs, (origin, request) => {
    if (request.path === '/token') {
      state.counts.idpToken += 1;
      return token(origin, request);
    }
    state.counts.idpMetadata += 1;
    if (!/^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)$/u.test(request.path)) {
      return { status: 404 };
    }
    return {
      status: 200,
      json: {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        grant_types_supported: ['client_credentials', EXCHANGE],
        token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_post'],
        token_endpoint_auth_signing_alg_values_supported: ['ES256'],
        identity_chaining_requested_token_types_supported: [ID_JAG],
      },
    };
  });
  return { issuer, publicKey };
}

export function refused(error: string, status = 400): Answer {
  return { status, json: { error } };
}
