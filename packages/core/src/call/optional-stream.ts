import type { AccessToken } from '../tokens/access-token.ts';
import type { Call, FetchContext } from './call.ts';
import { methodOf } from './evidence.ts';
import { messageHeaders, sendOwn } from './own-message.ts';
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
export async function acceptsPing(context: FetchContext, call: Call, token: AccessToken): Promise<boolean> {
  const headers = messageHeaders();
  const own = new Headers(call.init.headers);
  for (const name of SESSION_HEADERS) {
    const value = own.get(name);
    if (value !== null) headers.set(name, value);
  }
  const response = await sendOwn(context, call, token, { method: 'POST', headers, body: PING });
  return response?.ok === true;
}
