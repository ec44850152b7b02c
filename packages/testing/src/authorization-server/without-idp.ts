import { GrantRefusal } from '@credence/authorization-server';
import { parseScopes } from '@credence/protocol';
import type { ClientAuthenticator } from '../http/client-authentication.ts';
import { jsonResponse } from '../http/responses.ts';
import type { Incoming } from '../http/route.ts';
import { clientOf, formOf, tokenResponse } from '../http/token-request.ts';
import type { ServerSettings, Settings } from '../settings/settings.ts';
import type { AccessTokens } from '../tokens/access-tokens.ts';
import type { SigningKey } from '../tokens/signing-key.ts';
import { verifyWorkloadToken } from '../tokens/workload-token.ts';

/** What the grants without the IdP need besides the request. */
export interface WithoutIdp {
  readonly issuer: string;
  readonly servers: readonly ServerSettings[];
  readonly clients: ClientAuthenticator;
  readonly settings: Settings;
  readonly tokens: AccessTokens;
  readonly key: SigningKey;
}

/** The grant `client_credentials` (RFC 6749 section 4.4), for servers with `flow: 'client-credentials'`. */
export async function clientCredentials(incoming: Incoming, context: WithoutIdp): Promise<Response> {
  return tokenResponse(async () => {
    const client = await context.clients.check(clientOf(incoming));
    if (typeof client === 'string') throw new GrantRefusal('invalid_client', client);
    // RFC 6749 section 4.4: this grant is for confidential clients only.
    if (client.secret === undefined && client.publicKey === undefined) {
      throw new GrantRefusal('unauthorized_client', 'a public client cannot use this grant');
    }
    return issued(formOf(incoming), client, context);
  });
}

/** The grant `jwt-bearer` (RFC 7523 section 2.1) with a token of the platform, for servers with `flow: 'workload-identity'`. */
export async function workloadIdentity(incoming: Incoming, context: WithoutIdp): Promise<Response> {
  return tokenResponse(async () => {
    const form = formOf(incoming);
    const subject = await verifyWorkloadToken(form.get('assertion') ?? '', context.issuer, context.key);
    const principal = [...context.settings.principals.values()].find(({ client }) => client.clientId === subject)?.name;
    if (principal === undefined) throw new GrantRefusal('invalid_grant', `no principal has the subject ${subject}`);
    return issued(form, { principal, clientId: subject }, context);
  });
}

/** An access token for the requested scopes that the principal holds. */
function issued(
  form: URLSearchParams,
  { principal, clientId }: { readonly principal: string; readonly clientId: string },
  { servers, settings, tokens }: WithoutIdp,
): Response {
  const resource = form.get('resource');
  const server = resource === null ? servers[0] : servers.find((each) => each.resource === resource);
  if (server === undefined) throw new GrantRefusal('invalid_target', 'no server has this resource');
  const held = settings.principals.get(principal)?.grantedAt(server) ?? [];
  const requested = form.get('scope');
  const scopes = requested === null ? held : parseScopes(requested).filter((scope) => held.includes(scope));
  if (scopes.length === 0) throw new GrantRefusal('invalid_scope', `${principal} holds none of the scopes`);
  const token = tokens.issue(
    { server: server.name, principal, clientId, subject: clientId, scopes, thumbprint: undefined },
    settings.accessTokenSeconds,
  );
  return jsonResponse({
    access_token: token,
    token_type: 'Bearer',
    expires_in: settings.accessTokenSeconds,
    scope: scopes.join(' '),
    resource: server.resource,
  });
}
