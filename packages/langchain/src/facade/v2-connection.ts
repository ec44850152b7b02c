import { type FetchLike, isCredenceError } from '@credence/core';
import { isJsonObject, parseJsonObject } from '@credence/protocol';
import { connectMcp } from '@credence/sdk-adapter/v2';
import {
  type Client,
  ProtocolError,
  type RequestOptions,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Tool,
} from '@modelcontextprotocol/client';
import { type Fault, httpFault, postFault } from '../failures/fault.ts';
import { serverFailure } from '../failures/server-failure.ts';
import type { ClientAnswers } from '../server-requests/client-answers.ts';
import { type ConnectionEvents, type ConnectSettings, opening } from './connect-settings.ts';
import { type Connection, endSessionBriefly, type ListKind } from './connection.ts';

/** Opens a connection with `@modelcontextprotocol/client`. This module is loaded only for `sdk: 'v2'`. */
export async function connectV2(settings: ConnectSettings, signal: AbortSignal): Promise<Connection> {
  const { bot, server, events, answers } = settings;
  const { options, during, settled, onStreamEnd } = opening(settings, signal);
  const fetch = withoutFirstPageCursor(options.fetch);
  const client = await connectMcp(bot, server, { ...options, fetch, prepare: (fresh) => answerBy(answers, fresh) })
    .catch((error: unknown) => {
      throw isCredenceError(error) ? error : serverFailure(server, faultOf(error, false), error);
    })
    .finally(settled);
  let isClosing = false;
  const onLost = () => void (isClosing || events.onLost());
  let ended: (() => void) | undefined;
  const ending = () => ended?.();
  onStreamEnd(ending, () => {
    client.close().catch(() => undefined);
    // The next request opens another connection. The list can change before.
    if (!isClosing) events.onToolsChanged();
  });
  client.setNotificationHandler('notifications/tools/list_changed', () => events.onToolsChanged());
  void listening(client, { ...events, onLost });
  const { transport } = client;
  const hasSession = settings.transport === 'sse' || transport?.sessionId !== undefined;
  return {
    hasSession,
    // The SDK would return an empty list too, and print that.
    listTools: async (params, request) =>
      client.getServerCapabilities()?.tools
        ? during(client.listTools({ cursor: FIRST_PAGE, ...params }, request))
        : { tools: [] },
    list: async (kind, params, request) => during(listOf(client, kind, { cursor: FIRST_PAGE, ...params }, request)),
    callTool: async (params, request, definition) =>
      // The definition is one that a client of this SDK returned. With it, the client validates the output and sends the parameters
      // that belong into headers, also after a reconnection, and never reads the list of tools itself, which would have no limit.
      during(
        client.callTool(params, { ...request, ...(definition && { toolDefinition: definition as unknown as Tool }) }),
      ),
    readResource: async (params, request) => during(client.readResource(params, request)),
    getPrompt: async (params, request) => during(client.getPrompt(params, request)),
    ping: async (request) => during(client.ping(request)),
    faultOf: (error) => faultOf(error, hasSession),
    onEnd(listener) {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- clients of the SDK have no addEventListener
      client.onclose = listener;
      ended = listener;
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

/** Declares and sets the answers that the application gives. Without an answer the SDK sends the error "Method not found". */
function answerBy(answers: ClientAnswers, client: Client): void {
  if (answers.elicits) {
    client.registerCapabilities({ elicitation: { form: {} } });
    client.setRequestHandler('elicitation/create', async ({ params }, { mcpReq }) =>
      answers.elicit(params, mcpReq.signal),
    );
  }
  if (answers.samples) {
    client.registerCapabilities({ sampling: {} });
    client.setRequestHandler('sampling/createMessage', async ({ params }, { mcpReq }) =>
      answers.sample(params, mcpReq.signal),
    );
  }
}

/** One page of a list. Empty if the server does not declare the capability, which the SDK would also print. */
async function listOf(
  client: Client,
  kind: ListKind,
  params: { readonly cursor: string },
  options: RequestOptions | undefined,
): Promise<object> {
  const capabilities = client.getServerCapabilities();
  switch (kind) {
    case 'resources':
      return capabilities?.resources ? client.listResources(params, options) : { resources: [] };
    case 'resourceTemplates':
      return capabilities?.resources ? client.listResourceTemplates(params, options) : { resourceTemplates: [] };
    case 'prompts':
      return capabilities?.prompts ? client.listPrompts(params, options) : { prompts: [] };
  }
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

const LIST_METHODS: ReadonlySet<unknown> = new Set([
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
]);

/** A cursor that never leaves this module: see {@link withoutFirstPageCursor}. */
const FIRST_PAGE = 'credence:first-page';

/**
 * Removes the cursor {@link FIRST_PAGE} from requests. Without a cursor the SDK reads all pages of a list before it returns, so
 * nothing could limit it or keep the pages before a failure. With a cursor it reads one page.
 */
function withoutFirstPageCursor(fetch: FetchLike): FetchLike {
  return async (input, init) => {
    if (typeof init?.body !== 'string' || !init.body.includes(FIRST_PAGE)) return fetch(input, init);
    const message = parseJsonObject(init.body);
    const params = message?.['params'];
    if (!LIST_METHODS.has(message?.['method']) || !isJsonObject(params)) return fetch(input, init);
    const { cursor: _cursor, ...rest } = params;
    return fetch(input, { ...init, body: JSON.stringify({ ...message, params: rest }) });
  };
}

function faultOf(error: unknown, hadSession: boolean): Fault | undefined {
  if (error instanceof SdkHttpError) return httpFault(error.status, error.message, hadSession);
  if (error instanceof ProtocolError) return { kind: 'rpc-error', code: error.code, text: error.message };
  // The SDK throws this one as a plain Error.
  if (error instanceof Error && error.message === 'Not connected') return { kind: 'closed' };
  if (!(error instanceof SdkError)) return postFault(error, hadSession);
  if (error.code === SdkErrorCode.CapabilityNotSupported) return { kind: 'no-answer' };
  if (error.code === SdkErrorCode.InvalidResult) return { kind: 'invalid-result' };
  if (error.code === SdkErrorCode.RequestTimeout) return { kind: 'timeout' };
  if (error.code === SdkErrorCode.ConnectionClosed || error.code === SdkErrorCode.NotConnected) {
    return { kind: 'closed' };
  }
  return undefined;
}
