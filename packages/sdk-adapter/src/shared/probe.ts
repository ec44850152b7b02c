import { CLIENT_INFO } from './client-info.ts';
import { emaCapabilities } from './ema-capabilities.ts';
import type { SdkFetch } from './redirects.ts';

const REVISION = '2025-11-25';
const TIMEOUT_MS = 5_000;
const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 'credence',
  method: 'initialize',
  params: { protocolVersion: REVISION, capabilities: emaCapabilities, clientInfo: CLIENT_INFO },
});

/**
 * Sends `initialize` without a session, and ends the session that the server creates. A server of revision 2026-07-28 answers with an
 * error, but it validates the token first. Returns the status. Throws the errors of `fetch`.
 */
export async function initialize(fetch: SdkFetch, url: URL): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: INITIALIZE,
    redirect: 'manual',
  });
  await response.body?.cancel();
  const session = response.headers.get('mcp-session-id');
  if (session !== null) await endSession(fetch, url, session);
  return response.status;
}

/** A server need not support this (405), so the response is ignored. */
async function endSession(fetch: SdkFetch, url: URL, session: string): Promise<void> {
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': REVISION };
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method: 'DELETE', headers, redirect: 'manual', signal });
    await response.body?.cancel();
  } catch {
    // The server ends the session itself after some time.
  }
}

/**
 * Whether the server accepts `initialize` with a value that is no token: it then says nothing about a token that it accepts. False if it
 * cannot be reached.
 */
export async function acceptsAnyToken(fetch: SdkFetch, url: URL): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const withoutToken: SdkFetch = async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set('authorization', 'Bearer not-a-token');
      return fetch(input, { signal, ...init, headers });
    };
    const status = await initialize(withoutToken, url);
    return status !== 401 && status !== 403;
  } catch {
    return false;
  }
}
