import type { DynamicStructuredTool } from '@langchain/core/tools';
import type { LoadedTools } from '../loaded-tools.ts';

/**
 * The tools of a principal, for a caller that may keep them for longer than the principal is open: each request is sent with the tools that
 * `using` gives it. `close` has no effect, because the pool closes the tools.
 */
export function viewOf(
  loaded: LoadedTools,
  shown: (tool: DynamicStructuredTool) => DynamicStructuredTool,
  using: <T>(request: (current: LoadedTools) => Promise<T>) => Promise<T>,
): LoadedTools {
  const close = async () => Promise.resolve();
  return {
    get tools() {
      return loaded.tools.map(shown);
    },
    getTools: async (...wanted) => (await loaded.getTools(...wanted)).map(shown),
    get failures() {
      return loaded.failures;
    },
    failuresAsText: () => loaded.failuresAsText(),
    resources: async (...wanted) => using(async (current) => current.resources(...wanted)),
    resourceTemplates: async (...wanted) => using(async (current) => current.resourceTemplates(...wanted)),
    readResource: async (...wanted) => using(async (current) => current.readResource(...wanted)),
    prompts: async (...wanted) => using(async (current) => current.prompts(...wanted)),
    prompt: async (...wanted) => using(async (current) => current.prompt(...wanted)),
    reload: async (servers) => using(async (current) => current.reload(servers)),
    close,
    [Symbol.asyncDispose]: close,
  };
}
