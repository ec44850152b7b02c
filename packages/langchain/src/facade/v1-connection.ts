import { type FetchLike, isCredenceError, type ServicePrincipal } from '@credence/core';
import { isJsonObject } from '@credence/protocol';
import { connectMcp } from '@credence/sdk-adapter';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { DEFAULT_REQUEST_TIMEOUT_MSEC } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  ErrorCode,
  isJSONRPCErrorResponse,
  McpError,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { type Fault, httpFault } from '../failures/fault.ts';
import { serverFailure } from '../failures/server-failure.ts';
import { type Connection, endSessionBriefly } from './connection.ts';

export interface ConnectSettings {
  readonly bot: ServicePrincipal;
  readonly server: string;
  readonly fetch: FetchLike;
  /** The time limit for the first answer of the server, in milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly events: ConnectionEvents;
}

/** What a server says without being asked. */
export interface ConnectionEvents {
  /** The list of tools has changed. */
  readonly onToolsChanged: () => void;
  /** The server cannot say any more that the list has changed. Another connection can help. */
  readonly onLost: () => void;
}

/** Opens a connection with `@modelcontextprotocol/sdk`. */
export async function connectV1(settings: ConnectSettings, signal: AbortSignal): Promise<Connection> {
  const { bot, server, fetch, timeoutMs, events } = settings;
  const options = { fetch, signal, ...(timeoutMs !== undefined && { timeoutMs }) };
  const client = await connectMcp(bot, server, options).catch((error: unknown) => {
    throw isCredenceError(error)
      ? error
      : serverFailure(server, faultOfConnecting(error, timeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MSEC), error);
  });
  const { transport } = client;
  if (transport) markServerErrors(transport);
  const hasSession = transport?.sessionId !== undefined;
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => events.onToolsChanged());
  return {
    hasSession,
    // As in SDK v2: a server without the tools capability has no tools, and that is not an error.
    listTools: async (params, options) =>
      client.getServerCapabilities()?.tools ? client.listTools(params, options) : { tools: [] },
    callTool: (params, options) => client.callTool(params, undefined, options),
    readResource: (params, options) => client.readResource(params, options),
    ping: (options) => client.ping(options),
    faultOf: (error) => faultOf(error, hasSession, (rpcError) => rpcError.data === FROM_SERVER),
    onEnd(listener) {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- clients of the SDK have no addEventListener
      client.onclose = listener;
    },
    async close({ endSession }) {
      if (endSession && hasSession && transport instanceof StreamableHTTPClientTransport) {
        await endSessionBriefly(() => transport.terminateSession());
      }
      await client.close();
    },
  };
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
  return undefined;
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
