import type { DynamicStructuredTool } from '@langchain/core/tools';
import type { LoadedTools } from '../loaded-tools.ts';

/** The functions of `LoadedTools` that send no request. All others return a promise. */
const LOCAL: ReadonlySet<string> = new Set(['failuresAsText', 'close']);

/**
 * The tools of a principal, for a caller that may keep them for longer than the principal is open: each request is sent with the tools that
 * `using` gives it. `close` has no effect, because the pool closes the tools.
 */
export function viewOf(
  loaded: LoadedTools,
  shown: (tool: DynamicStructuredTool) => DynamicStructuredTool,
  using: <T>(request: (current: LoadedTools) => Promise<T>) => Promise<T>,
): LoadedTools {
  const close = { value: async () => Promise.resolve() };
  const requests = Object.entries(loaded)
    .filter(([name, member]) => typeof member === 'function' && !LOCAL.has(name))
    .map(([name]) => {
      const request = async (...parameters: unknown[]) => using(async (current) => call(current, name, parameters));
      return [name, { value: request }] as const;
    });
  return Object.create(loaded, {
    ...(Object.fromEntries(requests) as PropertyDescriptorMap),
    tools: { get: () => loaded.tools.map(shown) },
    close,
    [Symbol.asyncDispose]: close,
  }) as LoadedTools;
}

async function call(tools: LoadedTools, name: string, parameters: readonly unknown[]): Promise<unknown> {
  const method: unknown = Reflect.get(tools, name);
  return typeof method === 'function' ? (Reflect.apply(method, undefined, parameters) as unknown) : undefined;
}
