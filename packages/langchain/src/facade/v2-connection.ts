import { isCredenceError } from '@credence/core';
import { connectMcp } from '@credence/sdk-adapter/v2';
import { SdkError, SdkErrorCode, SdkHttpError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { type Fault, httpFault } from '../failures/fault.ts';
import { serverFailure } from '../failures/server-failure.ts';
import { type Connection, endSessionBriefly } from './connection.ts';
import type { ConnectSettings } from './v1-connection.ts';

/** Opens a connection with `@modelcontextprotocol/client`. This module is loaded only for `sdk: 'v2'`. */
export async function connectV2(settings: ConnectSettings, signal: AbortSignal): Promise<Connection> {
  const { bot, server, fetch, timeoutMs } = settings;
  const options = { fetch, signal, ...(timeoutMs !== undefined && { timeoutMs }) };
  const client = await connectMcp(bot, server, options).catch((error: unknown) => {
    throw isCredenceError(error) ? error : serverFailure(server, faultOf(error, false), error);
  });
  const { transport } = client;
  const hadSession = transport?.sessionId !== undefined;
  return {
    listTools: (params, options) => client.listTools(params, options),
    callTool: (params, options) => client.callTool(params, options),
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

function faultOf(error: unknown, hadSession: boolean): Fault | undefined {
  if (error instanceof SdkHttpError) return httpFault(error.status, error.message, hadSession);
  if (!(error instanceof SdkError)) return undefined;
  if (error.code === SdkErrorCode.RequestTimeout) return { kind: 'timeout' };
  if (error.code === SdkErrorCode.ConnectionClosed || error.code === SdkErrorCode.NotConnected) {
    return { kind: 'closed' };
  }
  return undefined;
}
