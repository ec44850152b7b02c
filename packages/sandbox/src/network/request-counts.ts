import type { IncomingMessage } from 'node:http';

/**
 * Numbers of requests that an IdP or authorization server has received since it started, by endpoint. The numbers are
 * updated when requests arrive.
 */
export interface RequestCounts {
  /** Requests for metadata documents (OpenID Connect Discovery and RFC 8414). */
  readonly metadata: number;
  /** Requests to the token endpoint, of every grant type and with every answer. */
  readonly token: number;
  /** Requests for the key set (RFC 7517). */
  readonly jwks: number;
  /** Introspection requests (RFC 7662). An MCP server sends one for each request that it gets. */
  readonly introspection: number;
  /** Revocation requests (RFC 7009). */
  readonly revocation: number;
  /** Requests to all other paths, unknown ones included. */
  readonly other: number;
  /** All requests. */
  readonly total: number;
}

type Endpoint = Exclude<keyof RequestCounts, 'total'>;

/** The endpoint paths of the IdP and of each authorization server, relative to the issuer. */
export const ENDPOINT_PATHS = {
  token: '/token',
  jwks: '/jwks',
  introspection: '/introspect',
  revocation: '/revoke',
} as const;

const BY_PATH: ReadonlyMap<string, Endpoint> = new Map(
  Object.entries(ENDPOINT_PATHS).map(([endpoint, path]) => [path, endpoint as keyof typeof ENDPOINT_PATHS]),
);

/** Returns counters that start at zero, and the function that counts a request. */
export function countRequests(): { counts: RequestCounts; count: (request: IncomingMessage) => void } {
  const counts = { metadata: 0, token: 0, jwks: 0, introspection: 0, revocation: 0, other: 0, total: 0 };
  return {
    counts,
    count(request) {
      const path = pathOf(request);
      counts[path.startsWith('/.well-known/') ? 'metadata' : (BY_PATH.get(path) ?? 'other')] += 1;
      counts.total += 1;
    },
  };
}

/** Returns the path of a request, without the query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}
