import { GRANT_JWT_BEARER, GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ACCESS_TOKEN, TOKEN_TYPE_ID_JAG } from '@credence/protocol';
import { importPKCS8 } from 'jose';
import * as oauth from 'oauth4webapi';
import type { PrincipalName, ServerName } from '../principals/seed.ts';
import type { Sandbox } from '../sandbox.ts';

const options = { [oauth.allowInsecureRequests]: true };

export interface ExchangeInput {
  server: ServerName;
  scope?: string;
  subject?: { token: string; type: string };
  /** Sent in place of the server's issuer, to test a refusal. */
  audience?: string;
  resource?: string;
}

/** A bot that gets its tokens with oauth4webapi, without any code of @credence/core. */
export function oauthBot(sandbox: Sandbox, name: PrincipalName) {
  const principal = sandbox.principals[name];
  const idpClient: oauth.Client = { client_id: principal.clientId };
  const discover = async (issuer: string) => {
    const response = await oauth.discoveryRequest(new URL(issuer), { ...options, algorithm: 'oauth2' });
    return oauth.processDiscoveryResponse(new URL(issuer), response);
  };
  const idpAuthentication = async () =>
    oauth.PrivateKeyJwt({ key: await importPKCS8(principal.privateKey, 'ES256'), kid: principal.keyId });

  const ownTokens = async () => {
    const idp = await discover(sandbox.idp.issuer);
    const response = await oauth.clientCredentialsGrantRequest(
      idp,
      idpClient,
      await idpAuthentication(),
      new URLSearchParams({ scope: 'openid' }),
      options,
    );
    return oauth.processClientCredentialsResponse(idp, idpClient, response);
  };

  const exchange = async ({ server, scope, subject, audience, resource }: ExchangeInput) => {
    const target = principal.servers[server];
    const { token, type } = subject ?? { token: (await ownTokens()).access_token, type: TOKEN_TYPE_ACCESS_TOKEN };
    const idp = await discover(sandbox.idp.issuer);
    const parameters = new URLSearchParams({
      requested_token_type: TOKEN_TYPE_ID_JAG,
      audience: audience ?? target.issuer,
      resource: resource ?? target.resource,
      subject_token: token,
      subject_token_type: type,
      ...(scope !== undefined && { scope }),
    });
    const response = await oauth.genericTokenEndpointRequest(
      idp,
      idpClient,
      await idpAuthentication(),
      GRANT_TOKEN_EXCHANGE,
      parameters,
      options,
    );
    return oauth.processGenericTokenEndpointResponse(idp, idpClient, response, {
      recognizedTokenTypes: { n_a: () => undefined },
    });
  };

  const redeem = async (server: ServerName, assertion: string, parameters: Record<string, string> = {}) => {
    const { issuer, clientId, clientSecret } = principal.servers[server];
    const client: oauth.Client = { client_id: clientId };
    const as = await discover(issuer);
    const response = await oauth.genericTokenEndpointRequest(
      as,
      client,
      oauth.ClientSecretBasic(clientSecret),
      GRANT_JWT_BEARER,
      new URLSearchParams({ assertion, ...parameters }),
      options,
    );
    return oauth.processGenericTokenEndpointResponse(as, client, response);
  };

  return {
    ownTokens,
    exchange,
    redeem,
    /** Gets a subject token, exchanges it for an ID-JAG, and redeems the ID-JAG for an access token. */
    async accessToken(server: ServerName, scope?: string): Promise<string> {
      const { access_token: idJag } = await exchange({ server, ...(scope !== undefined && { scope }) });
      return (await redeem(server, idJag)).access_token;
    },
  };
}

/** Returns the OAuth error that the client gets for a refused request. */
export async function refusal(request: Promise<unknown>): Promise<{ error: string; description: string | undefined }> {
  try {
    await request;
  } catch (error) {
    if (error instanceof oauth.ResponseBodyError) return { error: error.error, description: error.error_description };
    if (error instanceof oauth.WWWAuthenticateChallengeError) {
      const body = (await error.response.clone().json()) as { error: string; error_description?: string };
      return { error: body.error, description: body.error_description };
    }
    throw error;
  }
  throw new Error('the request was granted');
}
