import { CredenceError, isCredenceError, type ServicePrincipal } from '@credence/core';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { boundedStreams } from './facade/bounded-streams.ts';
import { McpFacade } from './facade/mcp-facade.ts';
import { connectV1 } from './facade/v1-connection.ts';
import { ToolList } from './listing/tool-list.ts';
import { approveStepUp } from './middleware/step-up-approval.ts';
import { loadToolsSettings, type LoadToolsOptions, type LoadToolsSettings } from './options.ts';
import { guard } from './tools/guard.ts';
import { langchainTools } from './tools/langchain-tools.ts';
import { toolNames } from './tools/tool-names.ts';

/** A server whose tools could not be loaded, or not all of them. */
export interface ServerFailure {
  /** The configured name of the server. */
  readonly server: string;
  /** The error, with leg, remedy and contact. */
  readonly error: CredenceError;
  /** The number of tools of this server that were loaded nevertheless. */
  readonly loaded: number;
}

/** The result of `loadTools`. */
export interface LoadedTools {
  /** The tools of all servers that could be loaded, named `<server>__<tool>`, in the order of `servers`. */
  readonly tools: DynamicStructuredTool[];
  /** The servers whose tools could not be loaded, or not all of them. A server has an entry for each reason. */
  readonly failures: ServerFailure[];
  /** Closes every connection. The tools fail afterwards. Idempotent. Never throws. */
  readonly close: () => Promise<void>;
}

/**
 * Loads the tools of MCP servers for a LangChain agent that runs as a service principal. Connects to all servers at the same
 * time.
 *
 * A server that refuses or cannot be reached is listed in `failures`. Such a server does not affect other servers, and
 * `loadTools` does not throw for it. If a list of tools exceeds `limits`, breaks off or has tools that
 * cannot be used, the other tools of the server are loaded, and the server is listed in `failures` too. Throws `invalid_configuration` for invalid options, and for `sdk: 'v2'` if that SDK is
 * not installed.
 *
 * @param servers configured names or URLs; default: all configured servers
 *
 * @example
 * <!-- from examples/langchain-agent.ts#agent -->
 * ```ts
 * const { tools, failures, close } = await loadTools(bot, ['issues', 'documents', 'database']);
 * for (const { server, error } of failures) console.log(`tools of "${server}" are missing: ${error.summary}`);
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
    [...wantedServers(bot, servers)].map(async ([server, unknown]): Promise<LoadedServer> =>
      unknown ? { server, tools: [], failures: [unknown] } : loadServer(bot, server, settings, connect),
    ),
  );

  const origins = outcomes.flatMap(({ server, tools }) => tools.map(({ name }) => ({ server, tool: name })));
  const names = toolNames(origins, bot.serverNames);
  const tools = outcomes.flatMap((outcome) => outcome.tools.map(({ tool }) => tool));
  for (const [index, tool] of tools.entries()) {
    const [origin, name] = [origins[index], names[index]];
    if (origin && name) guard(tool, origin, name, settings.onRefused);
  }
  return {
    tools,
    failures: outcomes.flatMap(({ server, failures, tools: { length: loaded } }) =>
      failures.map((error) => ({ server, error, loaded })),
    ),
    close: async () => {
      await Promise.allSettled(outcomes.map(async ({ facade }) => facade?.close()));
    },
  };
}

/** What was loaded of one server. */
interface LoadedServer {
  readonly server: string;
  /** The tools with their original names. */
  readonly tools: readonly { readonly name: string; readonly tool: DynamicStructuredTool }[];
  readonly failures: readonly CredenceError[];
  /** The client that the tools call. Undefined if there are no tools. */
  readonly facade?: McpFacade;
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
): Promise<LoadedServer> {
  const { connectTimeoutMs: timeoutMs, toolTimeoutMs } = settings;
  const list = new ToolList(server, settings.limits);
  const facade = new McpFacade(server, async (signal) => {
    // Each connection needs its own fetch: it distinguishes calls by their JSON-RPC ids, which restart on each connection.
    const fetch = boundedStreams(list.counting(bot.fetchFor(server, { approveStepUp, repeatsAfterServerError: true })));
    return connect({ bot, server, fetch, timeoutMs }, signal);
  });
  const { definitions, failure } = await list.read(facade);
  const converted = await langchainTools(server, facade, definitions, {
    ...(toolTimeoutMs !== undefined && { defaultToolTimeout: toolTimeoutMs }),
  });
  for (const [name, { definition }] of converted.tools) facade.define(name, definition);
  const failures = [...(failure ? [failure] : []), ...converted.failures];
  const tools = [...converted.tools].map(([name, { tool }]) => ({ name, tool }));
  if (tools.length > 0) return { server, tools, failures, facade };
  await facade.close().catch(() => undefined);
  return { server, tools, failures };
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
