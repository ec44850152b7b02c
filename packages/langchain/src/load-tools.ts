import { CredenceError, isCredenceError, type ServicePrincipal } from '@credence/core';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { loadMcpTools } from '@langchain/mcp-adapters';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { ToolClient } from './facade/connection.ts';
import { McpFacade } from './facade/mcp-facade.ts';
import { connectV1 } from './facade/v1-connection.ts';
import { serverFailure } from './failures/server-failure.ts';
import { approveStepUp } from './middleware/step-up-approval.ts';
import { loadToolsSettings, type LoadToolsOptions, type LoadToolsSettings } from './options.ts';
import { guard } from './tools/guard.ts';
import { ToolNames } from './tools/tool-names.ts';

/** A server whose tools could not be loaded. */
export interface ServerFailure {
  /** The configured name of the server. */
  readonly server: string;
  /** The error, with leg, remedy and contact. */
  readonly error: CredenceError;
}

/** The result of `loadTools`. */
export interface LoadedTools {
  /** The tools of all servers that could be loaded, named `<server>__<tool>`, in the order of `servers`. */
  readonly tools: DynamicStructuredTool[];
  /** The servers whose tools could not be loaded. */
  readonly failures: ServerFailure[];
  /** Closes every connection. The tools fail afterwards. Idempotent. Never throws. */
  readonly close: () => Promise<void>;
}

/**
 * Loads the tools of MCP servers for a LangChain agent that runs as a service principal. Connects to all servers at the same
 * time.
 *
 * A server that refuses or cannot be reached is listed in `failures`. Such a server does not affect other servers, and
 * `loadTools` does not throw for it. Throws `invalid_configuration` for invalid options, and for `sdk: 'v2'` if that SDK is
 * not installed.
 *
 * @param servers configured names or URLs; default: all configured servers
 *
 * @example
 * <!-- from examples/langchain-agent.ts#agent -->
 * ```ts
 * const { tools, failures, close } = await loadTools(bot, ['issues', 'documents', 'database']);
 * for (const { server, error } of failures) console.log(`no tools of "${server}": ${error.summary}`);
 *
 * const stepUps: string[] = [];
 * const agent = createAgent({
 *   model,
 *   tools,
 *   middleware: [
 *     accessMiddleware({
 *       approveStepUp({ server, scopes, call }) {
 *         stepUps.push(...scopes);
 *         console.log(`approved: ${call.name} may add ${scopes.join(' ')} at "${server}"`);
 *         return true;
 *       },
 *     }),
 *   ],
 * });
 * ```
 */
export async function loadTools(
  bot: ServicePrincipal,
  servers: readonly (string | URL)[] = bot.serverNames,
  options: LoadToolsOptions = {},
): Promise<LoadedTools> {
  const settings = loadToolsSettings(options);
  const connect = settings.sdk === 'v2' ? await v2Connect() : connectV1;
  const outcomes = await Promise.all(
    [...wantedServers(bot, servers)].map(async ([server, unknown]) =>
      unknown ? { server, error: unknown } : loadServer(bot, server, settings, connect),
    ),
  );

  const names = new ToolNames();
  const loaded = outcomes.filter((outcome) => 'tools' in outcome);
  for (const { server, tools } of loaded) {
    for (const tool of tools) {
      const origin = { server, tool: tool.name };
      guard(tool, origin, names.nameOf(server, tool.name), settings.onRefused);
    }
  }
  return {
    tools: loaded.flatMap(({ tools }) => tools),
    failures: outcomes.filter((outcome) => 'error' in outcome),
    close: async () => {
      await Promise.allSettled(loaded.map(async ({ facade }) => facade.close()));
    },
  };
}

interface LoadedServer {
  readonly server: string;
  readonly facade: McpFacade;
  readonly tools: DynamicStructuredTool[];
}

/** The servers by their configured name, without duplicates. The value is the error of a server that is not configured. */
function wantedServers(
  bot: ServicePrincipal,
  servers: readonly (string | URL)[],
): ReadonlyMap<string, CredenceError | undefined> {
  const wanted = new Map<string, CredenceError | undefined>();
  for (const server of servers) {
    try {
      wanted.set(bot.server(server).name, undefined);
    } catch (error) {
      if (!isCredenceError(error)) throw error;
      wanted.set(String(server), error);
    }
  }
  return wanted;
}

async function loadServer(
  bot: ServicePrincipal,
  server: string,
  settings: LoadToolsSettings,
  connect: typeof connectV1,
): Promise<LoadedServer | ServerFailure> {
  const { connectTimeoutMs: timeoutMs, toolTimeoutMs } = settings;
  const facade = new McpFacade(server, async (signal) => {
    // Each connection needs its own fetch: it distinguishes calls by their JSON-RPC ids, which restart on each connection.
    const fetch = bot.fetchFor(server, { approveStepUp });
    return connect({ bot, server, fetch, timeoutMs }, signal);
  });
  try {
    const tools = await loadMcpTools(server, asClient(facade), {
      ...(toolTimeoutMs !== undefined && { defaultToolTimeout: toolTimeoutMs }),
    });
    return { server, facade, tools };
  } catch (error) {
    await facade.close().catch(() => undefined);
    return { server, error: isCredenceError(error) ? error : serverFailure(server, undefined, error) };
  }
}

/** The type of the parameter of loadMcpTools is Client, but it uses only the methods of ToolClient. A test checks that. */
function asClient(facade: ToolClient): Client {
  return facade as Client;
}

async function v2Connect(): Promise<typeof connectV1> {
  try {
    return (await import('./facade/v2-connection.ts')).connectV2;
  } catch (cause) {
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: "loadTools has the option sdk: 'v2', but the package @modelcontextprotocol/client cannot be loaded.",
      remedy: "Install version 2 of @modelcontextprotocol/client, or remove the option sdk: 'v2'.",
      contact: 'you',
      cause,
    });
  }
}
