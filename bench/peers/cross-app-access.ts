import { CrossAppAccessProvider, discoverAndRequestJwtAuthGrant } from '@modelcontextprotocol/client';
import type { Addresses } from '../world/state.ts';
import { connectV2 } from './clients.ts';
import type { Contender } from './contender.ts';

/**
 * SDK v2's provider as its documentation shows it. It leaves getting the ID token to the application; a bot has no user who
 * signed in, so it asks the IdP for one of its own each time, with the secret that this SDK's helper can send.
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
