import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { connectV1 } from './clients.ts';
import type { Contender } from './contender.ts';

/** SDK v1's provider. It knows client_credentials at the server's authorization server and no IdP: one leg of the three. */
export const privateKeyJwtV1: Contender = {
  connect: ({ mcp, as, asClient }) =>
    connectV1(mcp, {
      authProvider: new PrivateKeyJwtProvider({
        clientId: asClient.clientId,
        privateKey: asClient.privateKey,
        algorithm: 'ES256',
        expectedIssuer: as,
      }),
    }),
};
