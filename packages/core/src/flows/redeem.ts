import { unionScopes } from '@credence/protocol';
import type { TokenEndpoint } from '../discovery/token-endpoint.ts';
import type { Refusal } from '../errors/oauth-error-response.ts';
import { requestToken } from '../oauth/token-endpoint.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { checkTokenResource, checkTokenType } from './answer-checks.ts';
import type { Grant } from './flow.ts';
import { grantedScopes, scopeCeiling } from './granted-scopes.ts';
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
  /** The scopes that the caller requested. With the configured scopes they are the most that the token may have. */
  readonly requested: readonly string[] | undefined;
  /** The granted scopes if the response has no `scope` (RFC 6749 section 5.1). */
  readonly impliedScopes: readonly string[] | undefined;
  /** Further parameters. */
  readonly parameters?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal: AbortSignal;
  /** Whether an ID-JAG is redeemed. False in the flows without the IdP. */
  readonly usesIdp: boolean;
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
      ...request.parameters,
      assertion: request.assertion,
      resource: server.resourceParameter === 'omit' ? undefined : resource,
      scope: request.scopes?.join(' '),
    },
    scopes: request.scopes ?? request.impliedScopes,
    knownScopes: unionScopes(scopeCeiling(server, request.requested) ?? [], request.impliedScopes ?? []),
    dpop: server.dpop?.redeem,
    usesIdp: request.usesIdp,
    signal: request.signal,
    retry: request.retry,
    onAttempt: (attempt) => {
      sentAtMs = runtime.clock.monotonicMs();
      request.onAttempt?.(attempt);
    },
  });
  const type = checkTokenType(answer, server.dpop !== undefined, context);
  checkTokenResource(answer, resource, context);
  const { requested, impliedScopes } = request;
  const stated =
    answer.scopes && grantedScopes(runtime, answer.scopes, { ...context, server, requested, secrets: answer.secrets });
  if (stated?.length === 0 && (impliedScopes ?? requested ?? []).length === 0) warnWithoutScope(runtime, request);
  // The lifetime starts after the last attempt was sent. Earlier attempts and the pauses between them do not shorten it.
  const tookSeconds = (runtime.clock.monotonicMs() - sentAtMs) / 1000;
  return {
    accessToken: answer.accessToken,
    type,
    expiresInSeconds:
      answer.expiresInSeconds === undefined ? undefined : Math.max(0, answer.expiresInSeconds - tookSeconds),
    scopes: stated ?? impliedScopes ?? [],
    offeredScopes: impliedScopes,
    scopesStated: stated !== undefined,
    issuer: endpoint.issuer,
    resource,
    peerTimeMs: answer.peerTimeMs,
  };
}

/** Some authorization servers issue only requested scopes, and a server refuses a token without any. */
function warnWithoutScope(runtime: Runtime, { server, endpoint, usesIdp }: RedeemRequest): void {
  const omitted = server.redeemScope === 'omit' && usesIdp ? ` and remove servers.${server.name}.redeemScope` : '';
  runtime.emit({
    type: 'warning',
    leg: 'redeem',
    server: server.name,
    message: `The authorization server ${endpoint.issuer} issued a token without any scope for server "${server.name}"; no scope was requested.`,
    remedy: `If the server refuses calls, set servers.${server.name}.scopes to the scopes that the bot needs${omitted}.`,
  });
}
