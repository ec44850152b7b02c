import { createHash } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { discoverUrl } from '../keys/discover.ts';
import { boundedText, type FetchLike, isLoopback } from '../keys/fetch-json.ts';
import { TokenVerificationUnavailableError } from './errors.ts';

export interface IntrospectionOptions {
  /** Default: `introspection_endpoint` of the issuer's metadata. */
  readonly endpoint?: string | undefined;
  /** This resource server as a client of the authorization server, by `client_secret_basic`. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** How long an active answer is used again, and a revoked token therefore still works, in seconds. Default: 0. */
  readonly cacheSeconds?: number | undefined;
}

const TIMEOUT_MS = 5000;
const MAX_CACHED = 10_000;

/**
 * Asks the authorization server about tokens (RFC 7662). The answer is its claims, or undefined for an inactive
 * token.
 */
export function introspector(
  issuer: string,
  options: IntrospectionOptions,
  fetchFunction: FetchLike,
): (token: string, now: number) => Promise<Record<string, unknown> | undefined> {
  const cacheMs = (options.cacheSeconds ?? 0) * 1000;
  const cache = new Map<string, { claims: Record<string, unknown>; until: number }>();
  let endpoint = options.endpoint;

  const ask = async (token: string) => {
    endpoint ??= await discoverUrl(issuer, 'introspection_endpoint', fetchFunction);
    const server = { issuer, introspection_endpoint: endpoint };
    const client = { client_id: options.clientId };
    const authentication = oauth.ClientSecretBasic(options.clientSecret);
    const response = await oauth.introspectionRequest(server, client, authentication, token, {
      [oauth.customFetch]: boundedFetch(fetchFunction),
      [oauth.allowInsecureRequests]: isLoopback(new URL(issuer).hostname),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      additionalParameters: { token_type_hint: 'access_token' },
    });
    return oauth.processIntrospectionResponse(server, client, response);
  };

  return async (token, now) => {
    const key = createHash('sha256').update(token).digest('base64url');
    const cached = cache.get(key);
    if (cached !== undefined && cached.until > now) return cached.claims;
    cache.delete(key);
    let answer: oauth.IntrospectionResponse;
    try {
      answer = await ask(token);
    } catch (error) {
      // RFC 7662 has no error for it, but some servers refuse a token of a form that they never issue, such as a JWT
      if (error instanceof oauth.ResponseBodyError && error.error === 'unsupported_token_type') return undefined;
      // The library's errors hold the answer's body: none of it is kept.
      throw new TokenVerificationUnavailableError('the authorization server cannot be asked about the token');
    }
    if (!answer.active) return undefined;
    if (cacheMs > 0) {
      const oldest = cache.keys().next();
      if (cache.size >= MAX_CACHED && oldest.done !== true) cache.delete(oldest.value);
      cache.set(key, { claims: answer, until: now + cacheMs });
    }
    return answer;
  };
}

/** The library reads bodies of any length and may be given a redirect: bounded, and never followed. */
function boundedFetch(fetchFunction: FetchLike) {
  return async (
    url: string,
    init: { body?: unknown; headers: Record<string, string>; method: string; signal?: AbortSignal },
  ) => {
    const { body, headers, method, signal } = init;
    const response = await fetchFunction(url, {
      method,
      headers,
      redirect: 'manual',
      body: body as URLSearchParams,
      signal: signal ?? null,
    });
    const text = await boundedText(response);
    return new Response(response.status === 204 || response.status === 304 ? null : text, {
      status: response.status,
      headers: response.headers,
    });
  };
}
