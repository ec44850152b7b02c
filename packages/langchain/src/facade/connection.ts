import { type JsonObject, within } from '@credence/protocol';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Fault } from '../failures/fault.ts';

export type Params<Method extends 'listTools' | 'callTool' | 'readResource' | 'getPrompt'> = Parameters<
  Client[Method]
>[0];

/** The lists of a server besides its tools, by the member of the result that has the items. */
export type ListKind = 'resources' | 'resourceTemplates' | 'prompts';

/** The methods of a client that reads resources and prompts. */
export interface ContentClient {
  list(kind: ListKind, params: { readonly cursor?: string }, options?: RequestOptions): Promise<object>;
  readResource(params: Params<'readResource'>, options?: RequestOptions): Promise<object>;
  getPrompt(params: Params<'getPrompt'>, options?: RequestOptions): Promise<object>;
}

/** The methods of a client that `loadMcpTools` uses. The results have the types of the SDK in use, which differ in both SDKs. */
export interface ToolClient {
  listTools(params?: Params<'listTools'>, options?: RequestOptions): Promise<object>;
  callTool(params: Params<'callTool'>, schema?: undefined, options?: RequestOptions): Promise<object>;
  readResource(params: Params<'readResource'>, options?: RequestOptions): Promise<object>;
}

/** An open connection to an MCP server, by either SDK. */
export interface Connection {
  /** Whether the server has opened a session for this connection. */
  readonly hasSession: boolean;
  /** Requests one page of the list of tools. */
  listTools(params: Params<'listTools'>, options: RequestOptions | undefined): Promise<object>;
  /** @param definition the tool as `listTools` returned it, on this connection or on an earlier one */
  callTool(
    params: Params<'callTool'>,
    options: RequestOptions | undefined,
    definition: JsonObject | undefined,
  ): Promise<object>;
  /** Requests one page of a list. A server without the capability has an empty list. */
  list(kind: ListKind, params: { readonly cursor?: string }, options: RequestOptions | undefined): Promise<object>;
  readResource(params: Params<'readResource'>, options: RequestOptions | undefined): Promise<object>;
  getPrompt(params: Params<'getPrompt'>, options: RequestOptions | undefined): Promise<object>;
  ping(options: RequestOptions): Promise<unknown>;
  /** The fault that an error of the SDK reports. Undefined for any other error, such as a result that is not valid. */
  faultOf(error: unknown): Fault | undefined;
  /** Registers a listener that is called when the connection has ended, or cannot be used for later requests, perhaps twice. */
  onEnd(listener: () => void): void;
  /** Closes the connection. With `endSession` it also ends the session at the server. */
  close(options: { endSession: boolean }): Promise<void>;
}

/** Opens a connection. Throws the error of the SDK or of Credence. */
export type Connect = (signal: AbortSignal) => Promise<Connection>;

/** How long to wait until the server has ended a session, in milliseconds. */
const END_SESSION_MS = 2_000;

/** Asks the server to end its session, and waits at most {@link END_SESSION_MS}. Ignores a failure. */
export async function endSessionBriefly(end: () => Promise<void>): Promise<void> {
  await within(END_SESSION_MS, end()).catch(() => undefined);
}
