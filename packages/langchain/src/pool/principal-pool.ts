import type { ServicePrincipal } from '@credence/core';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { withNameOfKey } from '../approval/principal-key.ts';
import type { LoadedTools } from '../loaded-tools.ts';
import { checkedKey, type RunConfig } from './key.ts';
import { Members } from './members.ts';
import { poolSettings, type PrincipalPoolOptions } from './options.ts';
import { PooledTools } from './pooled-tools.ts';

/** The principals of one process, by key. */
export interface PrincipalPool extends AsyncDisposable {
  /** The number of principals, those included that are being created or closed. */
  readonly size: number;
  /**
   * The tools of the principal of a run, for `accessMiddleware({ tools: pool.toolsFor })` and for nodes of a graph. The key is taken from
   * `context` of the config (of a node, a tool call or the `runtime` of a middleware). Throws `no_principal` without a key,
   * `unknown_principal` if `create` throws, and `too_many_principals`.
   *
   * The tools can be kept: a call of one connects again if its principal was closed in between. A call without a key is one of this
   * principal, and a call with another key is refused (`wrong_principal`). Their `close` has no effect, because the pool closes them.
   */
  readonly toolsFor: (config: RunConfig) => Promise<LoadedTools>;
  /**
   * Tools for the runs of every principal, for a `ToolNode` or `createAgent`: each call takes the key from the config that it is handed
   * (not from a copy of the config of a node, which LangChain makes also for calls without a config), and calls the tool of that principal. A call without a key, or of a tool that the principal does not have, is refused. The names,
   * texts and schemas are those of one principal.
   *
   * @param key the principal with the names, texts and schemas
   */
  readonly tools: (key: string) => Promise<DynamicStructuredTool[]>;
  /** Runs a function with the principal of a key, which is not closed meanwhile. */
  readonly use: <T>(key: string, work: (principal: ServicePrincipal) => Promise<T> | T) => Promise<T>;
  /** Removes the principal of a key, for example after its credentials have changed. It is closed after its last call. */
  readonly evict: (key: string) => Promise<void>;
  /** Closes all principals, also those in use, whose calls fail with the code `closed`. Idempotent. Never throws. */
  readonly close: () => Promise<void>;
}

/**
 * Many principals in one process, for example one for each tenant: each with its own connections, tokens and tools. A principal is
 * created when its key is used first, and closed when it was not used for some time, or least recently; never during a call.
 *
 * Throws `invalid_configuration` for invalid options.
 *
 * @example
 * <!-- from examples/langchain-tenants.ts#pool -->
 * ```ts
 * const pool = principalPool({
 *   create(key) {
 *     const env = tenants.get(key);
 *     if (!env) throw new Error('unknown tenant'); // this run ends with unknown_principal; other runs are not affected
 *     return ServicePrincipal.fromEnv(env, { label: key, onEvent });
 *   },
 *   servers: ['issues'],
 *   maxIdle: 100, // principals without a call in progress; the one that was used least recently is closed first
 *   onEvict: (key, reason) => console.log(`closed the principal of ${key}: ${reason}`),
 * });
 * ```
 */
export function principalPool(options: PrincipalPoolOptions): PrincipalPool {
  const settings = poolSettings(options);
  const members = new Members(settings);
  const tools = new PooledTools(members, settings);
  const close = async () => members.close();
  // Functions without `this`, so that callers can pass them on.
  return {
    get size() {
      return members.size;
    },
    toolsFor: withNameOfKey(async (config: RunConfig) => tools.of(config), settings.contextKey),
    tools: async (key) => tools.like(key),
    async use(key, work) {
      const member = await members.enter(checkedKey(key, settings.contextKey), undefined);
      try {
        return await work(await member.opened);
      } finally {
        members.leave(member);
      }
    },
    evict: async (key) => members.evict(key),
    close,
    [Symbol.asyncDispose]: close,
  };
}
