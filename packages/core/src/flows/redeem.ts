import type { TokenEndpoint } from '../discovery/token-endpoint.ts';
import type { Refusal } from '../errors/refusal.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { checkResourceEcho, checkTokenType } from './answer-checks.ts';
import type { Grant } from './flow.ts';
import type { ServerSettings } from '../settings/settings.ts';

export interface RedeemRequest {
  readonly server: ServerSettings;
  readonly endpoint: TokenEndpoint;
  readonly resource: string;
  readonly grantType: string;
  readonly grant: Refusal['grant'];
  /** The ID-JAG or the JWT of the workload. Undefined for `client_credentials`. */
  readonly assertion?: string | undefined;
  /** The `scope` parameter. */
  readonly scopes: readonly string[] | undefined;
  /** The granted scopes if the response has no `scope` (RFC 6749 section 5.1). */
  readonly impliedScopes: readonly string[] | undefined;
  readonly signal: AbortSignal;
  readonly retry?: boolean;
  readonly onAttempt?: (attempt: number) => void;
}

/** Requests the access token from the authorization server of the MCP server (RFC 7523 section 2.1). */
export async function redeem(runtime: Runtime, request: RedeemRequest): Promise<Grant> {
  const { server, endpoint, resource } = request;
  const context = { leg: 'redeem', contact: 'server-owner', server: server.name, issuer: endpoint.issuer } as const;
  let sentAtMs = runtime.clock.monotonicMs();
  const answer = await requestToken(runtime, {
    ...context,
    grantType: request.grantType,
    grant: request.grant,
    operation: request.grant === 'jwt-bearer' ? 'jwt-bearer' : 'client-credentials',
    option: `servers.${server.name}.credential`,
    endpoint,
    credential: server.credential,
    parameters: {
      assertion: request.assertion,
      resource,
      scope: request.scopes?.join(' '),
      authorization_details:
        request.grant === 'client_credentials' && server.authorizationDetails
          ? JSON.stringify(server.authorizationDetails)
          : undefined,
    },
    scopes: request.scopes ?? request.impliedScopes,
    dpop: server.dpop?.redeem,
    signal: request.signal,
    retry: request.retry,
    onAttempt: (attempt) => {
      sentAtMs = runtime.clock.monotonicMs();
      request.onAttempt?.(attempt);
    },
  });
  const type = checkTokenType(answer, server.dpop !== undefined, context);
  checkResourceEcho(answer, resource, context);
  // The lifetime starts after the last attempt was sent. Earlier attempts and the pauses between them do not shorten it.
  const tookSeconds = (runtime.clock.monotonicMs() - sentAtMs) / 1000;
  return {
    accessToken: answer.accessToken,
    type,
    expiresInSeconds:
      answer.expiresInSeconds === undefined ? undefined : Math.max(0, answer.expiresInSeconds - tookSeconds),
    scopes: answer.scopes ?? request.impliedScopes ?? [],
    scopesStated: answer.scopes !== undefined,
    issuer: endpoint.issuer,
    resource,
    peerTimeMs: answer.peerTimeMs,
  };
}
