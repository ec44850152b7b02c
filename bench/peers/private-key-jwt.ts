import { PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { connectV1 } from './clients.ts';
import type { Contender } from './contender.ts';

/** The `PrivateKeyJwtProvider` of SDK v1. It sends one client_credentials request to the authorization server and uses no IdP. */
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
