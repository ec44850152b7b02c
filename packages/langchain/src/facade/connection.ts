import { within } from '@credence/protocol';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Fault } from '../failures/fault.ts';

export type Params<Method extends 'listTools' | 'callTool' | 'readResource'> = Parameters<Client[Method]>[0];

/** The part of a client that `loadMcpTools` uses. Results are what the SDK in use gives: the two word their types apart. */
export interface ToolClient {
  listTools(params?: Params<'listTools'>, options?: RequestOptions): Promise<object>;
  callTool(params: Params<'callTool'>, schema?: undefined, options?: RequestOptions): Promise<object>;
  readResource(params: Params<'readResource'>, options?: RequestOptions): Promise<object>;
}

/** One live connection to an MCP server, of either SDK. */
export interface Connection {
  listTools(params: Params<'listTools'>, options: RequestOptions | undefined): Promise<object>;
  callTool(params: Params<'callTool'>, options: RequestOptions | undefined): Promise<object>;
  readResource(params: Params<'readResource'>, options: RequestOptions | undefined): Promise<object>;
  /** What an error of this connection's SDK says about the connection; undefined for what the server itself answered. */
  faultOf(error: unknown): Fault | undefined;
  /** Called once when the connection has ended by itself. */
  onEnd(listener: () => void): void;
  /** Ends it; with `endSession` the server is told that its session is no longer needed. */
  close(options: { endSession: boolean }): Promise<void>;
}

/** Opens a connection, or throws the reason as the SDK or Credence reports it. */
export type Connect = (signal: AbortSignal) => Promise<Connection>;

/** How long a server is given to take note that a session has ended, in milliseconds. */
const END_SESSION_MS = 2_000;

/** Tells the server that its session is over; whether it listens changes nothing. */
export async function endSessionBriefly(end: () => Promise<void>): Promise<void> {
  await within(END_SESSION_MS, end()).catch(() => undefined);
}
