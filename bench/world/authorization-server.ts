import { randomBytes } from 'node:crypto';
import { jwtVerify } from 'jose';
import { isClient, type RegisteredClient } from './clients.ts';
import { type ReceivedRequest, type Answer, serve } from './http.ts';
import { type Idp, refused } from './idp.ts';
import { SCOPE, type State } from './state.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** An authorization server that redeems ID-JAGs. It also accepts client_credentials, the only grant of SDK v1's provider. */
export async function startAuthorizationServer(
  state: State,
  client: RegisteredClient,
  idp: () => Idp,
): Promise<{ issuer: string }> {
  const issue = (): Answer => {
    const accessToken = randomBytes(32).toString('base64url');
    const { tokenLifetimeMs } = state.behaviour;
    state.tokens.set(accessToken, performance.now() + tokenLifetimeMs);
    return {
      status: 200,
      headers: { 'cache-control': 'no-store' },
      json: { access_token: accessToken, token_type: 'Bearer', expires_in: tokenLifetimeMs / 1000, scope: SCOPE },
    };
  };

  const token = async (issuer: string, request: ReceivedRequest): Promise<Answer> => {
    const form = new URLSearchParams(request.body);
    if (!(await isClient(client, issuer, form, request.authorization))) return refused('invalid_client', 401);
    if (form.get('grant_type') === 'client_credentials') return issue();
    if (form.get('grant_type') !== JWT_BEARER) return refused('unsupported_grant_type');
    const { payload } = await jwtVerify(form.get('assertion') ?? '', idp().publicKey, {
      issuer: idp().issuer,
      audience: issuer,
      typ: 'oauth-id-jag+jwt',
    });
    if (payload['client_id'] !== client.clientId || payload.jti === undefined) return refused('invalid_grant');
    if (state.behaviour.idJagsOnce && state.redeemed.has(payload.jti)) return refused('invalid_grant');
    state.redeemed.add(payload.jti);
    return issue();
  };

  const issuer = await serve(state.latencyMs, (origin, request) => {
    if (request.path === '/token') {
      state.counts.asToken += 1;
      return token(origin, request);
    }
    state.counts.asMetadata += 1;
    if (request.path !== '/.well-known/oauth-authorization-server') return { status: 404 };
    return {
      status: 200,
      json: {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        response_types_supported: ['code'],
        grant_types_supported: [JWT_BEARER, 'client_credentials'],
        authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: ['ES256'],
      },
    };
  });
  return { issuer };
}
