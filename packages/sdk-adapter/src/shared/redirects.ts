import { cleanText } from '@credence/protocol';
import { CredenceError } from '@credence/core';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_HOPS = 5;

/** A fetch as both SDKs call it: never with a `Request`. */
export type SdkFetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/**
 * Follows redirects of an MCP server within its own origin, each hop through `fetch`, so that each carries its token and, with
 * DPoP, a proof for that very URL. Any other redirect is refused before anything is sent: with `cross_origin_refused` where
 * it leaves the origin, with `redirect_refused` where following it would turn the request into another one or never ends.
 *
 * It is done here rather than left to the SDKs because an SDK hands a redirect that it does not follow to the caller as a
 * sentence, and not every version the adapter works with follows any.
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
  return location !== null && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
}

/** RFC 9110 section 15.4: only 307 and 308 keep method and body; the others make a GET of a POST. */
function keepsMethod(status: number, init: RequestInit | undefined): boolean {
  return status === 307 || status === 308 || (init?.method ?? 'GET').toUpperCase() === 'GET';
}

function leavesOrigin(server: string, status: number, to: URL): CredenceError {
  const origin = to.origin === 'null' ? to.protocol : to.origin;
  return new CredenceError({
    code: 'cross_origin_refused',
    leg: 'call',
    message: `Server "${server}" redirected a call to ${cleanText(origin, { max: 120 })}; its token stays at its own origin.`,
    remedy: `If the server has moved, set servers.${server}.url to where it is now.`,
    contact: 'server-owner',
    server,
    status,
  });
}

function notFollowed(server: string, status: number, hops: number): CredenceError {
  const how = hops === MAX_HOPS ? `more than ${MAX_HOPS} times in a row` : 'in a way that cannot be followed';
  return new CredenceError({
    code: 'redirect_refused',
    leg: 'call',
    message: `Server "${server}" redirected a call ${how} (${status}).`,
    remedy: `Set servers.${server}.url to the address of the MCP endpoint itself.`,
    contact: 'server-owner',
    server,
    status,
  });
}
