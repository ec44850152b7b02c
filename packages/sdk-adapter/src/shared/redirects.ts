import { parsedUrl } from '@credence/protocol';
import { CredenceError } from '@credence/core';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_HOPS = 5;

/** The type of `fetch` that both SDKs call. The SDKs never pass a `Request`. */
export type SdkFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/**
 * Returns a fetch that follows the redirects of an MCP server within its origin. Each request is sent by `fetch`, so it has
 * the access token and, with DPoP, a proof for its URL. Any other redirect is refused before a request is sent:
 * `cross_origin_refused` if the origin is another, `redirect_refused` if the method would change or there are more than
 * five redirects in a row.
 *
 * The SDKs do not do this: some versions follow no redirect, and others report a redirect that they do not follow only as text.
 */
export function withinOrigin(fetch: SdkFetch, server: { name: string; url: URL }): SdkFetch {
  return async (input, init) => {
    let from = new URL(input);
    for (let hops = 0; ; hops += 1) {
      const response = await fetch(from, init);
      if (!REDIRECTS.has(response.status)) return response;
      await response.body?.cancel();
      const to = target(response, from);
      if (to && to.origin !== server.url.origin) throw leavesOrigin(server.name, response.status, to);
      if (!to || hops === MAX_HOPS || !keepsMethod(response.status, init)) {
        throw notFollowed(server.name, response.status, hops);
      }
      from = to;
    }
  };
}

function target(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location');
  return location === null ? undefined : parsedUrl(location, from.href);
}

/** Whether the method stays the same. RFC 9110 section 15.4: 307 and 308 keep it; the others change a POST to a GET. */
function keepsMethod(status: number, init: RequestInit | undefined): boolean {
  return status === 307 || status === 308 || (init?.method ?? 'GET').toUpperCase() === 'GET';
}

function leavesOrigin(server: string, status: number, to: URL): CredenceError {
  const origin = to.origin === 'null' ? to.protocol : to.origin;
  return new CredenceError({
    code: 'cross_origin_refused',
    leg: 'call',
    message: `Server "${server}" redirected a call to another origin; its token is sent only to its own origin.`,
    remedy: `If the server has moved, set servers.${server}.url to its new URL.`,
    contact: 'server-owner',
    server,
    status,
    // The origin is a word that the server chose.
    peerText: `Location: ${origin}`,
  });
}

function notFollowed(server: string, status: number, hops: number): CredenceError {
  const how = hops === MAX_HOPS ? `more than ${MAX_HOPS} times in a row` : 'in a way that cannot be followed';
  return new CredenceError({
    code: 'redirect_refused',
    leg: 'call',
    message: `Server "${server}" redirected a call ${how} (${status}).`,
    remedy: `Set servers.${server}.url to the URL of the MCP endpoint itself.`,
    contact: 'server-owner',
    server,
    status,
  });
}
