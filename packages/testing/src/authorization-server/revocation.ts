import { GrantRefusal } from '@credence/authorization-server';
import type { ClientAuthenticator } from '../http/client-authentication.ts';
import { oauthError } from '../http/responses.ts';
import type { Route } from '../http/route.ts';
import { claimedClientId, clientOf, formOf, tokenResponse } from '../http/token-request.ts';
import { shownParameters } from '../requests/form.ts';
import type { AccessTokens } from '../tokens/access-tokens.ts';

/** The revocation endpoint (RFC 7009), which a principal with `revokeOnClose` uses. */
export function revocationRoute(clients: ClientAuthenticator, tokens: AccessTokens): Route {
  return {
    facts: (incoming) => ({
      leg: 'other',
      server: undefined,
      principal: clients.principalOf(claimedClientId(incoming)),
      parameters: shownParameters(formOf(incoming)),
    }),
    handle: async (incoming) =>
      tokenResponse(async () => {
        const client = await clients.check(clientOf(incoming));
        if (typeof client === 'string') throw new GrantRefusal('invalid_client', client);
        const token = tokens.find(formOf(incoming).get('token') ?? '');
        if (token?.clientId === client.clientId) token.isRevoked = true;
        // RFC 7009 section 2.2: also for an unknown token.
        return new Response(null, { status: 200 });
      }),
    refuse: (error, details) => oauthError(error, details),
  };
}
