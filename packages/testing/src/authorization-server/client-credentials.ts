import { GrantRefusal } from '@credence/authorization-server';
import { parseScopes } from '@credence/protocol';
import type { ClientAuthenticator } from '../http/client-authentication.ts';
import { jsonResponse } from '../http/responses.ts';
import type { Incoming } from '../http/route.ts';
import { clientOf, formOf, tokenResponse } from '../http/token-request.ts';
import type { ServerSettings, Settings } from '../settings/settings.ts';
import type { AccessTokens } from '../tokens/access-tokens.ts';

/** The grant `client_credentials` (RFC 6749 section 4.4), for servers with `flow: 'client-credentials'`. */
export async function clientCredentials(
  incoming: Incoming,
  servers: readonly ServerSettings[],
  clients: ClientAuthenticator,
  { settings, tokens }: { readonly settings: Settings; readonly tokens: AccessTokens },
): Promise<Response> {
  return tokenResponse(async () => {
    const client = await clients.check(clientOf(incoming));
    if (typeof client === 'string') throw new GrantRefusal('invalid_client', client);
    // RFC 6749 section 4.4: this grant is for confidential clients only.
    if (client.secret === undefined && client.publicKey === undefined) {
      throw new GrantRefusal('unauthorized_client', 'a public client cannot use this grant');
    }
    const form = formOf(incoming);
    const resource = form.get('resource');
    const server = resource === null ? servers[0] : servers.find((each) => each.resource === resource);
    if (server === undefined) throw new GrantRefusal('invalid_target', 'no server has this resource');
    const held = settings.principals.get(client.principal)?.grantedAt(server) ?? [];
    const requested = form.get('scope');
    const scopes = requested === null ? held : parseScopes(requested).filter((scope) => held.includes(scope));
    if (scopes.length === 0) throw new GrantRefusal('invalid_scope', `${client.principal} holds none of the scopes`);
    const { principal, clientId } = client;
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
  });
}
