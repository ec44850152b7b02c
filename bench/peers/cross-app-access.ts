import { CrossAppAccessProvider, discoverAndRequestJwtAuthGrant } from '@modelcontextprotocol/client';
import type { Addresses } from '../world/state.ts';
import { connectV2 } from './clients.ts';
import type { Contender } from './contender.ts';

/**
 * The `CrossAppAccessProvider` of SDK v2, set up as its documentation shows. The application must supply the ID token. No
 * user is signed in, so this contender requests an ID token for the client itself from the IdP each time. It authenticates
 * with a client secret, because the helper of this SDK cannot send a client assertion.
 */
export const crossAppAccess: Contender = {
  connect: (world) =>
    connectV2(world.mcp, {
      authProvider: new CrossAppAccessProvider({
        clientId: world.asClient.clientId,
        clientSecret: world.asClient.secret,
        expectedIssuer: world.as,
        assertion: async ({ authorizationServerUrl, resourceUrl, scope, fetchFn }) => {
          const { jwtAuthGrant } = await discoverAndRequestJwtAuthGrant({
            idpUrl: world.idp,
            audience: authorizationServerUrl,
            resource: resourceUrl,
            idToken: await idTokenOf(world),
            clientId: world.idpClient.clientId,
            clientSecret: world.idpClient.secret,
            ...(scope !== undefined && { scope }),
            fetchFn,
          });
          return jwtAuthGrant;
        },
      }),
    }),
};

async function idTokenOf({ idp, idpClient }: Addresses): Promise<string> {
  const response = await fetch(`${idp}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'openid',
      client_id: idpClient.clientId,
      client_secret: idpClient.secret,
    }),
  });
  const { id_token: idToken } = (await response.json()) as { id_token: string };
  return idToken;
}
