import { EXTENSION_EMA, parseJsonObject } from '@credence/protocol';
import type { AccessToken } from '../tokens/access-token.ts';
import type { Call, FetchContext } from './call.ts';
import { CLIENT_INFO } from './client-info.ts';
import { messageHeaders, sendOwn } from './own-message.ts';

const REVISION = '2025-11-25';
const END_SESSION_MS = 2_000;
const METHOD_NOT_FOUND = -32_601;

/**
 * Whether the server accepts this token for `initialize`. A server of the 2025 revisions may refuse every request without a session as
 * unauthorized, so also the question of a client for the revisions of the server. The session that `initialize` opens is ended.
 */
export async function acceptsInitialize(context: FetchContext, call: Call, token: AccessToken): Promise<boolean> {
  const { flow } = context.access.settings;
  const capabilities = flow === 'enterprise-managed' ? { extensions: { [EXTENSION_EMA]: {} } } : {};
  const params = { protocolVersion: REVISION, capabilities, clientInfo: CLIENT_INFO };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 'credence-initialize', method: 'initialize', params });
  const response = await sendOwn(context, call, token, { method: 'POST', headers: messageHeaders(), body });
  if (response?.ok !== true) return false;
  const session = response.headers.get('mcp-session-id');
  if (session !== null) {
    const headers = { 'mcp-session-id': session, 'mcp-protocol-version': REVISION };
    await sendOwn(context, call, token, { method: 'DELETE', headers }, END_SESSION_MS);
  }
  return true;
}

/**
 * The response for a client that asks for the revisions, in place of the 401: the one of a server that does not know the method. The
 * client then sends `initialize`. With the 401 it would give up.
 */
export function withoutDiscovery({ body }: RequestInit): Response {
  const id = (typeof body === 'string' ? parseJsonObject(body)?.['id'] : undefined) ?? null;
  const error = { code: METHOD_NOT_FOUND, message: 'Method not found' };
  return Response.json({ jsonrpc: '2.0', id, error }, { status: 404 });
}
