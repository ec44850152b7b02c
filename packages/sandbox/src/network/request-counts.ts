import type { IncomingMessage } from 'node:http';

/** Requests an IdP or authorization server has received since it started, by endpoint. Live: it moves as requests arrive. */
export interface RequestCounts {
  /** OpenID Discovery and RFC 8414 documents. */
  readonly metadata: number;
  /** The token endpoint, whatever the grant and whatever the answer. */
  readonly token: number;
  /** The key set (RFC 7517). */
  readonly jwks: number;
  /** RFC 7662, as asked by the MCP servers for every request they get. */
  readonly introspection: number;
  /** RFC 7009. */
  readonly revocation: number;
  /** Anything else, unknown paths included. */
  readonly other: number;
  /** All requests. */
  readonly total: number;
}

type Endpoint = Exclude<keyof RequestCounts, 'total'>;

/** Where the endpoints of every authorization server of the sandbox live, below its issuer. */
export const ENDPOINT_PATHS = {
  token: '/token',
  jwks: '/jwks',
  introspection: '/introspect',
  revocation: '/revoke',
} as const;

const BY_PATH: ReadonlyMap<string, Endpoint> = new Map(
  Object.entries(ENDPOINT_PATHS).map(([endpoint, path]) => [path, endpoint as keyof typeof ENDPOINT_PATHS]),
);

/** The counters and the function that moves them. */
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

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}
