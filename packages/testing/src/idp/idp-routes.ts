import { GrantRefusal } from '@credence/authorization-server';
import { DPOP_ALGORITHMS, GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ID_JAG } from '@credence/protocol';
import { type ClientAuthenticator, clientAuthenticator } from '../http/client-authentication.ts';
import { documentRoute, issuerMetadataRoutes } from '../http/metadata-routes.ts';
import { jsonResponse, oauthError } from '../http/responses.ts';
import type { Route, RouteEntry } from '../http/route.ts';
import { claimedClientId, clientOf, formOf, tokenResponse } from '../http/token-request.ts';
import { shownParameters } from '../requests/form.ts';
import { exchange, type ExchangeContext, serverOf } from './exchange.ts';

/** The URLs of the IdP. */
export function idpRoutes(context: ExchangeContext): readonly RouteEntry[] {
  const { settings, clock, key } = context;
  const { issuer, tokenEndpoint, principals } = settings;
  const clients = clientAuthenticator(
    [...principals.values()].map(({ client }) => client),
    settings,
    clock,
  );
  const jwksUri = `${issuer.replace(/\/$/u, '')}/jwks`;
  const metadata = {
    issuer,
    token_endpoint: tokenEndpoint,
    jwks_uri: jwksUri,
    response_types_supported: ['none'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    grant_types_supported: [GRANT_CLIENT_CREDENTIALS, GRANT_TOKEN_EXCHANGE],
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'],
    dpop_signing_alg_values_supported: DPOP_ALGORITHMS,
    identity_chaining_requested_token_types_supported: [TOKEN_TYPE_ID_JAG],
  };
  return [
    ...issuerMetadataRoutes(issuer, metadata),
    [jwksUri, documentRoute(() => ({ keys: [key.publicJwk] }))],
    [tokenEndpoint, tokenRoute(context, clients)],
  ];
}

function tokenRoute(context: ExchangeContext, clients: ClientAuthenticator): Route {
  const { settings, subjects } = context;
  return {
    facts(incoming) {
      const form = formOf(incoming);
      const leg = legOf(form);
      return {
        leg,
        server: leg === 'exchange' ? serverOf(form, settings.servers.values())?.name : undefined,
        principal: clients.principalOf(claimedClientId(incoming)),
        parameters: shownParameters(form),
      };
    },
    handle: async (incoming) =>
      tokenResponse(async () => {
        const form = formOf(incoming);
        const client = await clients.check(clientOf(incoming));
        if (typeof client === 'string') throw new GrantRefusal('invalid_client', client);
        switch (legOf(form)) {
          case 'exchange':
            return exchange(incoming, client, context);
          case 'authenticate':
            return ownToken(form, subjects.issue(client.clientId, settings.subjectTokenSeconds), settings);
          case 'other':
            throw new GrantRefusal('unsupported_grant_type', 'the IdP has no such grant');
        }
      }),
    refuse: (error, details) => oauthError(error, details),
  };
}

function legOf(form: URLSearchParams): 'authenticate' | 'exchange' | 'other' {
  const grant = form.get('grant_type');
  if (grant === GRANT_CLIENT_CREDENTIALS) return 'authenticate';
  return grant === GRANT_TOKEN_EXCHANGE ? 'exchange' : 'other';
}

/** RFC 6749 section 4.4.3. */
function ownToken(
  form: URLSearchParams,
  token: string,
  { subjectTokenSeconds }: ExchangeContext['settings'],
): Response {
  const scope = form.get('scope');
  return jsonResponse({
    access_token: token,
    token_type: 'Bearer',
    expires_in: subjectTokenSeconds,
    ...(scope !== null && { scope }),
  });
}
