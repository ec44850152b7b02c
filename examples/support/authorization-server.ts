// #region imports
import { idJagAuthorizationServerConfiguration, addIdJagGrant } from '@credence/authorization-server/oidc-provider';
import type { RedeemAuditRecord } from '@credence/authorization-server';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
// #endregion
import { listen } from './listen.ts';

/** An authorization server on oidc-provider. It redeems the ID-JAGs of one IdP for access tokens to one MCP server. */
export async function startAuthorizationServer({ idpIssuer, resource }: { idpIssuer: string; resource: string }) {
  const { origin: issuer, serve, close } = await listen();
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const signingKey = { ...(await exportJWK(privateKey)), kty: 'EC', alg: 'ES256', use: 'sig' };
  const botSecret = 'the client secret of the bot';
  const serverSecret = 'the client secret of the MCP server, for introspection';
  const trail: RedeemAuditRecord[] = [];

  // #region authorization-server
  const provider = new Provider(issuer, {
    ...idJagAuthorizationServerConfiguration(),
    jwks: { keys: [signingKey] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: [
      {
        client_id: 'bot-at-as',
        client_secret: botSecret,
        grant_types: ['urn:ietf:params:oauth:grant-type:jwt-bearer', 'urn:ietf:params:oauth:grant-type:jwt-dpop'],
        redirect_uris: [],
        response_types: [],
      },
      { client_id: 'mcp-server', client_secret: serverSecret, grant_types: [], redirect_uris: [], response_types: [] },
    ],
  });

  // #region redeem
  addIdJagGrant(provider, {
    issuers: { [idpIssuer]: {} }, // keys by discovery; or set jwksUri or jwks
    resources: { [resource]: { scopes: ['issues:read', 'issues:write'] } },
    scopesFor: [
      { group: 'engineering', scopes: ['issues:read', 'issues:write'] },
      { role: 'auditor', scopes: ['issues:read'] },
    ],
    audit: (record) => trail.push(record),
  });
  // #endregion
  // #endregion

  const callback = provider.callback();
  serve((request, response) => void callback(request, response));
  return { issuer, botSecret, serverSecret, trail, close };
}
