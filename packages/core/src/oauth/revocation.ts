import * as oauth from 'oauth4webapi';
import type { ClientCredential } from '../credentials/credential.ts';
import type { TokenEndpoint } from '../discovery/token-endpoint.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { type About, report, send, withoutQuery } from '../net/gate.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { authenticateClient } from './authenticate-client.ts';

export interface RevocationRequest {
  /** The revocation endpoint of the issuer. */
  readonly endpoint: TokenEndpoint;
  readonly credential: ClientCredential;
  /** The access token. */
  readonly token: string;
  readonly server: string;
  readonly signal: AbortSignal;
}

/**
 * Revokes one access token at its issuer (RFC 7009 section 2.1), with the client authentication of token requests. Sends one request.
 * Throws a CredenceError if the issuer does not answer 200.
 */
export async function revokeToken(runtime: Runtime, request: RevocationRequest): Promise<void> {
  const { endpoint, credential, token, server, signal } = request;
  const { issuer, url, configuredUrl } = endpoint;
  const option = `servers.${server}.credential`;
  const about: About = {
    leg: 'redeem',
    operation: 'revocation',
    contact: 'server-owner',
    server,
    issuer,
    configuredUrl,
  };
  await oauth.revocationRequest(
    { issuer, revocation_endpoint: url },
    { client_id: credential.clientId || 'none' },
    async (_as, _client, body, headers) =>
      authenticateClient(
        runtime,
        credential,
        { issuer, tokenEndpoint: url, body, headers },
        { leg: 'redeem', option, server, signal },
      ),
    token,
    {
      additionalParameters: { token_type_hint: 'access_token' },
      // The URL policy has checked the URL. Without this option the library refuses http, also on loopback.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: async (target, { method, headers, body }) => {
        const answer = await send(runtime, target, { method, headers, body, signal }, about);
        const failure = answer.status === 200 ? undefined : refused(request, answer.status);
        report(runtime, about, { ...answer, failure });
        if (failure) throw failure;
        return new Response(null, { status: 200 });
      },
    },
  );
}

function refused({ endpoint, server }: RevocationRequest, status: number): CredenceError {
  return new CredenceError({
    code: status === 401 ? 'invalid_client' : 'oauth_error',
    leg: 'redeem',
    message: `${withoutQuery(endpoint.url)} answered ${status} to the revocation of a token.`,
    remedy: 'Ask whether this client may revoke its tokens there; the token is valid until it expires.',
    contact: 'server-owner',
    server,
    issuer: endpoint.issuer,
    status,
  });
}
