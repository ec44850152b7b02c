import { isCredenceError } from '@credence/core';
import { isJsonObject } from '@credence/protocol';
import { connectMcp } from '@credence/sdk-adapter';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { DEFAULT_REQUEST_TIMEOUT_MSEC, type RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ErrorCode,
  isJSONRPCErrorResponse,
  McpError,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { type Fault, httpFault, postFault } from '../failures/fault.ts';
import { serverFailure } from '../failures/server-failure.ts';
import type { ClientAnswers } from '../server-requests/client-answers.ts';
import { type ConnectSettings, opening } from './connect-settings.ts';
import { type Connection, endSessionBriefly, type ListKind } from './connection.ts';

/** Opens a connection with `@modelcontextprotocol/sdk`. */
export async function connectV1(settings: ConnectSettings, signal: AbortSignal): Promise<Connection> {
  const { bot, server, timeoutMs, events, answers } = settings;
  const { options, during, settled, onStreamEnd } = opening(settings, signal);
  const client = await connectMcp(bot, server, { ...options, prepare: (fresh) => answerBy(answers, fresh) })
    .catch((error: unknown) => {
      throw isCredenceError(error)
        ? error
        : serverFailure(server, faultOfConnecting(error, timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MSEC), error);
    })
    .finally(settled);
  let isClosing = false;
  let ended: (() => void) | undefined;
  const ending = () => ended?.();
  onStreamEnd(ending, () => {
    client.close().catch(() => undefined);
    // The next request opens another connection. The list can change before.
    if (!isClosing) events.onToolsChanged();
  });
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => events.onToolsChanged());
  const { transport } = client;
  if (transport) markServerErrors(transport);
  const hasSession = settings.transport === 'sse' || transport?.sessionId !== undefined;
  return {
    hasSession,
    // As in SDK v2: a server without the tools capability has no tools, and that is not an error.
    listTools: async (params, request) =>
      client.getServerCapabilities()?.tools ? during(client.listTools(params, request)) : { tools: [] },
    list: async (kind, params, request) => during(listOf(client, kind, params, request)),
    callTool: async (params, request) => during(client.callTool(params, undefined, request)),
    readResource: async (params, request) => during(client.readResource(params, request)),
    getPrompt: async (params, request) => during(client.getPrompt(params, request)),
    ping: async (request) => during(client.ping(request)),
    faultOf: (error) => faultOf(error, hasSession, (rpcError) => rpcError.data === FROM_SERVER),
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
    client.setRequestHandler(ElicitRequestSchema, async ({ params }, { signal }) => answers.elicit(params, signal));
  }
  if (answers.samples) {
    client.registerCapabilities({ sampling: {} });
    client.setRequestHandler(CreateMessageRequestSchema, async ({ params }, { signal }) =>
      answers.sample(params, signal),
    );
  }
}

/** One page of a list. Empty if the server does not declare the capability. */
async function listOf(
  client: Client,
  kind: ListKind,
  params: { readonly cursor?: string },
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

/** The `data` of every JSON-RPC error that arrived from the server, see {@link markServerErrors}. */
const FROM_SERVER = Symbol('a JSON-RPC error of the server');

/**
 * Marks the JSON-RPC errors that arrive. The SDK uses the same class for them and for its own errors, and it chose codes for its own
 * errors (-32000, -32001) that servers use too. It copies `data` of a response to the error, so the mark cannot be forged.
 */
function markServerErrors(transport: Transport): void {
  const receive = transport.onmessage?.bind(transport);
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- transports of the SDK have no addEventListener
  transport.onmessage = (message, extra) => {
    // A refusal by this process, see `credenceErrorIn`. Data of a server is JSON and never an Error.
    const isOurs = isJSONRPCErrorResponse(message) && isCredenceError(message.error.data);
    if (isJSONRPCErrorResponse(message) && !isOurs) message.error.data = FROM_SERVER;
    receive?.(message, extra);
  };
}

/** The errors of the SDK itself. */
const FAULTS: ReadonlyMap<number, Fault> = new Map([
  [ErrorCode.RequestTimeout, { kind: 'timeout' }],
  [ErrorCode.ConnectionClosed, { kind: 'closed' }],
]);

function faultOf(error: unknown, hadSession: boolean, isFromServer: (error: McpError) => boolean): Fault | undefined {
  if (error instanceof StreamableHTTPError) {
    return error.code === undefined || error.code < 100 ? undefined : httpFault(error.code, error.message, hadSession);
  }
  if (error instanceof McpError) return isFromServer(error) ? rpcError(error) : FAULTS.get(error.code);
  if (error instanceof Error && error.message === 'Not connected') return { kind: 'closed' };
  if (error instanceof Error && /^\$?ZodError$/u.test(error.name)) return { kind: 'invalid-result' };
  return postFault(error, hadSession);
}

/**
 * The fault of `connect`. The errors of the server are not marked yet. An abort is thrown as its reason, so the only error of the SDK
 * itself is its timeout, which has the time in `data`.
 */
function faultOfConnecting(error: unknown, timeoutMs: number): Fault | undefined {
  return faultOf(
    error,
    false,
    ({ code, data }) => FAULTS.get(code)?.kind !== 'timeout' || !isJsonObject(data) || data['timeout'] !== timeoutMs,
  );
}

function rpcError({ code, message }: McpError): Fault {
  const prefix = `MCP error ${code}: `;
  return { kind: 'rpc-error', code, text: message.startsWith(prefix) ? message.slice(prefix.length) : message };
}
