import { parsedUrl } from '@credence/protocol';
import { methodOf } from './evidence.ts';
import { callKey } from './json-rpc.ts';

/** Why a response is no answer to a call: its status, a redirect that no client follows, or something else than a message of MCP. */
export type Unusable = 'status' | 'redirect' | 'content';

/** Undefined for a response that can be an answer. */
export function whyUnusable({ status, headers }: Response, target: URL, init: RequestInit): Unusable | undefined {
  if (status >= 400) return status === 405 && ['GET', 'DELETE'].includes(methodOf(init)) ? undefined : 'status';
  if (status >= 300) return isFollowed(status, headers, target, init) ? undefined : 'redirect';
  // A server of revision 2024-11-05 answers 202, and sends the response by its event stream.
  if (init.method !== 'POST' || status === 202) return undefined;
  const type = headers.get('content-type');
  if (type !== null && /\bapplication\/json\b|\btext\/event-stream\b/iu.test(type)) return undefined;
  // Only a client of the Streamable HTTP transport expects the response here.
  return acceptsStream(init) && callKey(init) !== undefined ? 'content' : undefined;
}

/** Whether connectMcp follows the redirect: within the origin, and with the same method (RFC 9110 section 15.4). */
function isFollowed(status: number, headers: Headers, target: URL, init: RequestInit): boolean {
  const location = headers.get('location');
  const to = location === null ? undefined : parsedUrl(location, target.href);
  const keepsMethod =
    status === 307 || status === 308 || ([301, 302, 303].includes(status) && methodOf(init) === 'GET');
  return keepsMethod && to?.origin === target.origin;
}

function acceptsStream(init: RequestInit): boolean {
  return new Headers(init.headers).get('accept')?.includes('text/event-stream') === true;
}
