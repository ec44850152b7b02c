import { type FetchLike, isCredenceError } from '@credence/core';
import { isJsonObject, parseJsonObject } from '@credence/protocol';
import { connectMcp } from '@credence/sdk-adapter/v2';
import {
  type Client,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Tool,
} from '@modelcontextprotocol/client';
import { type Fault, httpFault } from '../failures/fault.ts';
import { serverFailure } from '../failures/server-failure.ts';
import { type Connection, endSessionBriefly } from './connection.ts';
import type { ConnectionEvents, ConnectSettings } from './v1-connection.ts';

/** Opens a connection with `@modelcontextprotocol/client`. This module is loaded only for `sdk: 'v2'`. */
export async function connectV2(settings: ConnectSettings, signal: AbortSignal): Promise<Connection> {
  const { bot, server, timeoutMs, events } = settings;
  const fetch = withoutFirstPageCursor(settings.fetch);
  const options = { fetch, signal, ...(timeoutMs !== undefined && { timeoutMs }) };
  const client = await connectMcp(bot, server, options).catch((error: unknown) => {
    throw isCredenceError(error) ? error : serverFailure(server, faultOf(error, false), error);
  });
  const { transport } = client;
  const hasSession = transport?.sessionId !== undefined;
  client.setNotificationHandler('notifications/tools/list_changed', () => events.onToolsChanged());
  let isClosing = false;
  const onLost = () => void (isClosing || events.onLost());
  void listening(client, { ...events, onLost });
  return {
    hasSession,
    listTools: (params, options) => client.listTools({ cursor: FIRST_PAGE, ...params }, options),
    callTool: (params, options, definition) =>
      // The definition is one that a client of this SDK returned. With it, the client validates the output and sends the parameters
      // that belong into headers, also after a reconnection, and never reads the list of tools itself, which would have no limit.
      client.callTool(params, { ...options, ...(definition && { toolDefinition: definition as unknown as Tool }) }),
    readResource: (params, options) => client.readResource(params, options),
    ping: (options) => client.ping(options),
    faultOf: (error) => faultOf(error, hasSession),
    onEnd(listener) {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- clients of the SDK have no addEventListener
      client.onclose = listener;
    },
    async close({ endSession }) {
      isClosing = true;
      if (endSession && hasSession && transport instanceof StreamableHTTPClientTransport) {
        await endSessionBriefly(() => transport.terminateSession());
      }
      await client.close();
    },
  };
}

/** Subscribes to changes of the list of tools, which servers of revision 2026-07-28 send only then. Earlier ones send them unasked. */
async function listening(client: Client, { onLost }: ConnectionEvents): Promise<void> {
  if (client.getProtocolEra() !== 'modern' || !client.getServerCapabilities()?.tools?.listChanged) return;
  try {
    const { closed } = await client.listen({ toolsListChanged: true });
    if ((await closed) !== 'local') onLost();
  } catch {
    // The server does not offer this, or it is away. Then the next connection subscribes.
  }
}

/** A cursor that never leaves this module: see {@link withoutFirstPageCursor}. */
const FIRST_PAGE = 'credence:first-page';

/**
 * Removes the cursor {@link FIRST_PAGE} from requests. Without a cursor `listTools` of the SDK reads all pages before it returns, so
 * nothing could limit it or keep the pages before a failure. With a cursor it reads one page.
 */
function withoutFirstPageCursor(fetch: FetchLike): FetchLike {
  return async (input, init) => {
    if (typeof init?.body !== 'string' || !init.body.includes(FIRST_PAGE)) return fetch(input, init);
    const message = parseJsonObject(init.body);
    const params = message?.['params'];
    if (message?.['method'] !== 'tools/list' || !isJsonObject(params)) return fetch(input, init);
    const { cursor: _cursor, ...rest } = params;
    return fetch(input, { ...init, body: JSON.stringify({ ...message, params: rest }) });
  };
}

function faultOf(error: unknown, hadSession: boolean): Fault | undefined {
  if (error instanceof SdkHttpError) return httpFault(error.status, error.message, hadSession);
  if (error instanceof ProtocolError) return { kind: 'rpc-error', code: error.code, text: error.message };
  // The SDK throws this one as a plain Error.
  if (error instanceof Error && error.message === 'Not connected') return { kind: 'closed' };
  if (!(error instanceof SdkError)) return undefined;
  if (error.code === SdkErrorCode.InvalidResult) return { kind: 'invalid-result' };
  if (error.code === SdkErrorCode.RequestTimeout) return { kind: 'timeout' };
  if (error.code === SdkErrorCode.ConnectionClosed || error.code === SdkErrorCode.NotConnected) {
    return { kind: 'closed' };
  }
  return undefined;
}
