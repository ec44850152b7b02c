/**
 * The only file that uses @langchain/mcp-adapters, whose next major version takes clients of SDK v2.
 */
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { loadMcpTools, type LoadMcpToolsOptions, type StreamableHTTPConnection } from '@langchain/mcp-adapters';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';

/** A server in the option `mcpServers` of MultiServerMCPClient. */
export type McpAdaptersConnection = StreamableHTTPConnection;

/** The options of mcp-adapters for the result of a call, and for what happens around a call. */
export type McpCallOptions = Pick<
  LoadMcpToolsOptions,
  'useStandardContentBlocks' | 'outputHandling' | 'onProgress' | 'beforeToolCall' | 'afterToolCall'
>;

/** The types of content of MCP that `outputHandling` names. */
export const CONTENT_TYPES = ['audio', 'image', 'resource', 'resource_link', 'text'] as const;

/** The methods of a client that the tools of mcp-adapters call. The results have the types of the SDK in use. */
export interface CallingClient {
  callTool(params: Parameters<Client['callTool']>[0], schema?: undefined, options?: RequestOptions): Promise<object>;
  readResource(params: Parameters<Client['readResource']>[0], options?: RequestOptions): Promise<object>;
  /** A client for one call, which sends additional headers. For `beforeToolCall`. */
  fork?(headers: Readonly<Record<string, string>>): Promise<CallingClient>;
}

/** A tool as `loadMcpTools` converts it. */
export interface AdaptedTool {
  readonly name: string;
  readonly description: string;
  readonly annotations: object;
}

/** Options of {@link adaptedTool}. */
export interface AdaptOptions extends McpCallOptions {
  readonly defaultToolTimeout?: number;
}

/**
 * Converts one tool. Its parameters are left to the caller: mcp-adapters simplifies a schema so that references, and properties of
 * alternatives, are lost.
 */
export async function adaptedTool(
  server: string,
  client: CallingClient,
  tool: AdaptedTool,
  options: AdaptOptions,
): Promise<DynamicStructuredTool | undefined> {
  const listing = {
    listTools: async () => Promise.resolve({ tools: [{ ...tool, inputSchema: { type: 'object', properties: {} } }] }),
    callTool: client.callTool.bind(client),
    readResource: client.readResource.bind(client),
    fork: client.fork?.bind(client),
  };
  const { onProgress, beforeToolCall, afterToolCall, ...others } = options;
  // The type of the parameter is Client, but mcp-adapters uses only these methods. A test checks that.
  const [adapted] = await loadMcpTools(server, listing as unknown as Client, {
    ...others,
    ...(onProgress && { onProgress: ignoringErrors(onProgress) }),
    ...(beforeToolCall && { beforeToolCall: keepingErrors(tool.name, beforeToolCall) }),
    ...(afterToolCall && { afterToolCall: keepingErrors(tool.name, afterToolCall) }),
  });
  return adapted && acceptingCommands(adapted);
}

/** LangChain accepts a Command, which `afterToolCall` may return, only as the first of two values from a tool of this kind. */
function acceptingCommands(tool: DynamicStructuredTool): DynamicStructuredTool {
  const call = tool.func.bind(tool);
  tool.func = async (...parameters) => {
    const result: unknown = await call(...parameters);
    const isDirect = typeof result === 'object' && result !== null && 'lc_direct_tool_output' in result;
    return isDirect ? [result, undefined] : result;
  };
  return tool;
}

/**
 * An error of `beforeToolCall` or `afterToolCall`, with the message of mcp-adapters and its name, so that mcp-adapters passes it on with
 * its cause.
 */
export class HookError extends Error {
  override readonly name = 'ToolException';
}

/** mcp-adapters keeps only the text of an error of a hook. An interrupt of LangGraph, for example, has to stay what it is. */
function keepingErrors<Hook extends (...parameters: never[]) => unknown>(tool: string, hook: Hook): Hook {
  return new Proxy(hook, {
    async apply(target, self, parameters: unknown[]): Promise<unknown> {
      try {
        return await Reflect.apply(target, self, parameters);
      } catch (cause) {
        throw new HookError(`Error calling tool ${tool}: ${String(cause)}`, { cause });
      }
    },
  });
}

/** mcp-adapters does not wait for the callback, and an unhandled rejection ends the process. */
function ignoringErrors<Callback extends (...parameters: never[]) => unknown>(callback: Callback): Callback {
  return new Proxy(callback, {
    apply(target, self, parameters: unknown[]): void {
      const called = async (): Promise<unknown> => Reflect.apply(target, self, parameters);
      called().catch(() => undefined);
    },
  });
}
