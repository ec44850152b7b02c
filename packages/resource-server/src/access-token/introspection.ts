import { createHash } from 'node:crypto';
import { concurrencyLimiter, fetchNamedBy, type FetchLike, lruCache, quoted } from '@credence/protocol';
import { TokenVerificationUnavailableError } from './errors.ts';
import { endpointDiscovery } from './introspection-endpoint.ts';
import { introspect, type IntrospectionAnswer, IntrospectionEndpointError } from './introspection-request.ts';
import { type TokenRefusal, tokenRefusal } from './refusals.ts';

/**
 * How access tokens are introspected. At most 100 introspection requests run at once. Further ones wait in order, for at
 * most five seconds; after that the response is 503. Each unknown token causes an introspection request, so anybody who can
 * reach this server can delay the other callers. Put a rate limit in front of a public server.
 */
export interface IntrospectionOptions {
  /** The URL of the introspection endpoint. Default: `introspection_endpoint` in the issuer's metadata. */
  readonly endpoint?: string | undefined;
  /** The client id of this resource server at the authorization server, sent with `client_secret_basic`. */
  readonly clientId: string;
  /** The secret of that client. */
  readonly clientSecret: string;
  /**
   * How long the response for an active token is cached, in seconds. A revoked token can be accepted until the cached
   * response expires. Default: 0.
   */
  readonly cacheSeconds?: number | undefined;
}

const MAX_CACHED_RESPONSES = 10_000;
const REQUEST_LIMITS = { maxConcurrent: 100, maxWaitMs: 5000 };

/**
 * Returns a function that introspects a token at the authorization server (RFC 7662). The returned function resolves to
 * the claims of an active token, or to the reason to refuse the token. `now` is in epoch milliseconds. Throws
 * TokenVerificationUnavailableError.
 */
export function introspector(
  issuer: string,
  options: IntrospectionOptions,
  fetchFunction: FetchLike,
): (token: string, now: number) => Promise<{ claims: Record<string, unknown> } | TokenRefusal> {
  const cacheMs = (options.cacheSeconds ?? 0) * 1000;
  const cache = lruCache<{ claims: IntrospectionAnswer; until: number }>(MAX_CACHED_RESPONSES);
  const pending = new Map<string, Promise<IntrospectionAnswer>>();
  const limitConcurrency = concurrencyLimiter(REQUEST_LIMITS);
  const fetchEndpoint = options.endpoint === undefined ? fetchNamedBy(new URL(issuer), fetchFunction) : fetchFunction;
  const discovery = endpointDiscovery(issuer, fetchFunction);

  const sendRequest = async (token: string, now: number): Promise<IntrospectionAnswer> => {
    if (options.endpoint !== undefined) return introspect(options.endpoint, options, token, fetchEndpoint);
    const endpoint = await discovery.find(now);
    try {
      return await introspect(endpoint.url, options, token, fetchEndpoint);
    } catch (error) {
      if (error instanceof IntrospectionEndpointError) discovery.forget(endpoint, now);
      throw error;
    }
  };

  const tooManyRequests = () =>
    new TokenVerificationUnavailableError(`introspection: ${REQUEST_LIMITS.maxConcurrent} requests are under way`);

  const cacheIfActive = (key: string, answer: IntrospectionAnswer, now: number) => {
    if (cacheMs > 0 && answer.active && isUsable(answer)) {
      cache.set(key, { claims: answer, until: now + cacheMs });
    }
    return answer;
  };

  return async (token, now) => {
    const key = createHash('sha256').update(token).digest('base64url');
    const cached = cache.get(key);
    if (cached !== undefined && cached.until > now) return { claims: structuredClone(cached.claims) };
    cache.delete(key);
    let request = pending.get(key);
    if (request === undefined) {
      request = limitConcurrency(async () => sendRequest(token, now), tooManyRequests)
        .then((answer) => cacheIfActive(key, answer, now))
        .finally(() => pending.delete(key));
      pending.set(key, request);
    }
    const answer = await request;
    if (!answer.active) return tokenRefusal('inactive');
    if (!isUsable(answer)) return tokenRefusal('wrong_token_type', { detail: typeName(answer.token_type) });
    // Each caller gets a copy, so that changes by one caller do not affect another caller or the cache.
    return { claims: structuredClone(answer) };
  };
}

function typeName(type: unknown): string {
  return typeof type === 'string' ? type : quoted(type);
}

/**
 * Whether the token type is accepted. `token_type` is optional (RFC 7662 section 2.2), and ORY Hydra 1 sends `access_token`
 * in it. A token of the type DPoP without `cnf` is not accepted, because no proof can be compared with it.
 */
function isUsable({ token_type: type, cnf }: IntrospectionAnswer): boolean {
  if (type === undefined) return true;
  if (typeof type !== 'string') return false;
  return /^(?:bearer|access_token)$/iu.test(type) || (/^dpop$/iu.test(type) && cnf !== undefined);
}
