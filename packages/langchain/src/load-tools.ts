import type { ServicePrincipal } from '@credence/core';
import { InterruptedSteps } from './approval/interrupted-steps.ts';
import { loadedContent } from './content/content.ts';
import type { LoadedTools } from './loaded-tools.ts';
import { loadToolsSettings, type LoadToolsOptions } from './options.ts';
import { failuresAsText } from './tool-set/failures-as-text.ts';
import { connectWith } from './tool-set/sdk.ts';
import { ToolSet } from './tool-set/tool-set.ts';

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
  const settings = loadToolsSettings(options, bot.serverNames);
  const connect = await connectWith(settings.sdk);
  const set = new ToolSet(servers, { bot, settings, connect, steps: new InterruptedSteps() });
  await set.load();
  // Functions without `this`, so that callers can write `const { tools, close } = await loadTools(...)`.
  return {
    get tools() {
      return set.tools;
    },
    getTools: async (...wanted) => Promise.resolve(set.toolsOf(wanted.flat())),
    get failures() {
      return set.failures;
    },
    failuresAsText: () => failuresAsText(set.failures),
    ...loadedContent(set),
    reload: async (wanted) => set.reload(wanted),
    close: async () => set.close(),
    [Symbol.asyncDispose]: async () => set.close(),
  };
}
