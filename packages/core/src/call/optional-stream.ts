import type { AccessToken } from '../tokens/access-token.ts';
import type { Call, FetchContext } from './call.ts';
import { present } from './present.ts';
import { methodOf } from './evidence.ts';
import { discard } from './response-body.ts';
import type { ServerAccess } from './server-access.ts';

const SESSION_HEADERS = ['mcp-session-id', 'mcp-protocol-version'] as const;
const PING = JSON.stringify({ jsonrpc: '2.0', id: 'credence-ping', method: 'ping' });

/** Whether the request opens an event stream by GET at a server that has accepted messages by POST: there the stream is optional. */
export function isStreamOfPostingClient(access: ServerAccess, init: RequestInit): boolean {
  return methodOf(init) === 'GET' && access.evidence.acceptsPost;
}

/**
 * Whether the server accepts this token for a ping by POST in the session of a GET that it refused as unauthorized. Only a 2xx response
 * shows that: a server can respond with 404 or 405 before it looks at the token.
 */
export async function acceptsPing(
  { runtime, access }: FetchContext,
  { target, init }: Call,
  token: AccessToken,
): Promise<boolean> {
  const headers = new Headers({
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  });
  const own = new Headers(init.headers);
  for (const name of SESSION_HEADERS) {
    const value = own.get(name);
    if (value !== null) headers.set(name, value);
  }
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), runtime.timeout.requestMs);
  const abort = () => stop.abort();
  init.signal?.addEventListener('abort', abort, { once: true });
  try {
    const request: RequestInit = { method: 'POST', headers, body: PING, signal: stop.signal };
    const response = await present(runtime, access.settings, target, request, token);
    await discard(response);
    return response.ok;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    init.signal?.removeEventListener('abort', abort);
  }
}
