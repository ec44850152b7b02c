import { type FetchLike, isCredenceError, type ServicePrincipal } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { type Fault, httpFault } from '../failures/fault.ts';
import { serverFailure } from '../failures/server-failure.ts';
import { type Connection, endSessionBriefly } from './connection.ts';

export interface ConnectSettings {
  readonly bot: ServicePrincipal;
  readonly server: string;
  readonly fetch: FetchLike;
  /** The time limit for the first answer of the server, in milliseconds. */
  readonly timeoutMs: number | undefined;
}

/** Opens a connection with `@modelcontextprotocol/sdk`. */
export async function connectV1(settings: ConnectSettings, signal: AbortSignal): Promise<Connection> {
  const { bot, server, fetch, timeoutMs } = settings;
  const options = { fetch, signal, ...(timeoutMs !== undefined && { timeoutMs }) };
  const client = await connectMcp(bot, server, options).catch((error: unknown) => {
    throw isCredenceError(error) ? error : serverFailure(server, faultOf(error, false), error);
  });
  const { transport } = client;
  const hadSession = transport?.sessionId !== undefined;
  return {
    // As in SDK v2: a server without the tools capability has no tools, and that is not an error.
    listTools: async (params, options) =>
      client.getServerCapabilities()?.tools ? client.listTools(params, options) : { tools: [] },
    callTool: (params, options) => client.callTool(params, undefined, options),
    readResource: (params, options) => client.readResource(params, options),
    faultOf: (error) => faultOf(error, hadSession),
    onEnd(listener) {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- clients of the SDK have no addEventListener
      client.onclose = listener;
    },
    async close({ endSession }) {
      if (endSession && hadSession && transport instanceof StreamableHTTPClientTransport) {
        await endSessionBriefly(() => transport.terminateSession());
      }
      await client.close();
    },
  };
}

/** The errors of the SDK itself. These errors have the same class as JSON-RPC errors of a server, but these codes. */
const FAULTS: ReadonlyMap<number, Fault> = new Map([
  [ErrorCode.RequestTimeout, { kind: 'timeout' }],
  [ErrorCode.ConnectionClosed, { kind: 'closed' }],
]);

function faultOf(error: unknown, hadSession: boolean): Fault | undefined {
  if (error instanceof StreamableHTTPError) {
    return error.code === undefined || error.code < 100 ? undefined : httpFault(error.code, error.message, hadSession);
  }
  if (error instanceof McpError) return FAULTS.get(error.code);
  if (error instanceof Error && error.message === 'Not connected') return { kind: 'closed' };
  return undefined;
}
