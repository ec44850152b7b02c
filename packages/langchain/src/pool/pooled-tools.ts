import { isCredenceError } from '@credence/core';
import { waitFor } from '@credence/protocol';
import type { DynamicStructuredTool, ToolRunnableConfig } from '@langchain/core/tools';
import { hideAccess } from '../access/tool-access.ts';
import { ofPrincipal } from '../approval/principal-key.ts';
import type { LoadedTools } from '../loaded-tools.ts';
import type { OnRefused } from '../tools/guard.ts';
import { toolOrigin } from '../tools/origin.ts';
import { isHanded } from './handed-config.ts';
import { checkedKey, keyIn, type RunConfig } from './key.ts';
import type { Member } from './member.ts';
import type { Members } from './members.ts';
import { type PoolSettings, tell } from './options.ts';
import { viewOf } from './view-of-tools.ts';
import { inPlaceOf, named, originOf, refusing, type ToolInput } from './pooled-tool.ts';
import { noKey, otherPrincipal, unclearRun, unknownTool } from './refusals.ts';

/** The tools that a pool gives to agents. Each call takes the principal from the config that it is handed. */
export class PooledTools {
  readonly #members: Members;
  readonly #settings: PoolSettings;
  /** By the tools of a principal. */
  readonly #views = new WeakMap<LoadedTools, LoadedTools>();

  constructor(members: Members, settings: PoolSettings) {
    this.#members = members;
    this.#settings = settings;
  }

  /** The tools of the principal of a run. */
  async of(config: RunConfig): Promise<LoadedTools> {
    let key: string | undefined;
    try {
      // A config that is handed to a function is not completed by LangChain.
      key = this.#keyOf(config);
      return await this.#using(key, config.signal, (loaded) => this.#view(key ?? '', loaded));
    } catch (error) {
      this.#report(error, key);
      throw error;
    }
  }

  /** Tools with the names, texts and schemas of those of one principal, for runs of every principal. */
  async like(key: string): Promise<DynamicStructuredTool[]> {
    return this.#using(checkedKey(key, this.#settings.contextKey), undefined, ({ tools }) =>
      tools.map((tool) => {
        const pooled = this.#dispatching(tool);
        // The scopes of one principal say nothing about the others.
        hideAccess(pooled);
        return pooled;
      }),
    );
  }

  async #using<T>(
    key: string,
    signal: AbortSignal | undefined,
    work: (tools: LoadedTools) => Promise<T> | T,
  ): Promise<T> {
    const member = await this.#members.enter(key, signal);
    try {
      return await work(await waitFor(member.tools(), signal));
    } finally {
      this.#members.leave(member);
    }
  }

  /** The same object for the same tools, so that a caller can keep what it knows of them in a WeakMap. */
  #view(key: string, loaded: LoadedTools): LoadedTools {
    const known = this.#views.get(loaded);
    if (known) return known;
    const bound = new WeakMap<DynamicStructuredTool, DynamicStructuredTool>();
    const boundTo = (tool: DynamicStructuredTool) => {
      const pooled = bound.get(tool) ?? this.#dispatching(tool, { key, loaded });
      bound.set(tool, pooled);
      return pooled;
    };
    const view = ofPrincipal(
      viewOf(loaded, boundTo, async (request) => this.#using(key, undefined, request)),
      key,
    );
    this.#views.set(loaded, view);
    return view;
  }

  /** @param bound the principal whose tool it is; without one, each call must name a principal */
  #dispatching(shown: DynamicStructuredTool, bound?: { key: string; loaded: LoadedTools }): DynamicStructuredTool {
    return inPlaceOf(shown, async (input, config) => {
      let held: { member: Member; tool: DynamicStructuredTool };
      let onRefused: OnRefused | undefined;
      let key: string | undefined;
      try {
        key = this.#keyOf(config, bound?.key);
        if (!bound && !isHanded(config)) throw unclearRun();
        onRefused = this.#settings.loadTools(key).onRefused;
        held = await this.#hold(key, shown, config, bound?.loaded);
      } catch (error) {
        this.#report(error, key);
        return refusing(shown, error, onRefused ?? 'message').invoke(input, config);
      }
      try {
        return named(await callOf(held.tool, input, config), shown.name);
      } finally {
        this.#members.leave(held.member);
      }
    });
  }

  /** Begins a use of a principal for a call, and finds its tool. */
  async #hold(
    key: string,
    shown: DynamicStructuredTool,
    config: ToolRunnableConfig | undefined,
    loadedBefore: LoadedTools | undefined,
  ): Promise<{ member: Member; tool: DynamicStructuredTool }> {
    const member = await this.#members.enter(key, config?.signal);
    try {
      const loaded = await waitFor(member.tools(), config?.signal);
      return { member, tool: loaded === loadedBefore ? shown : sameTool(shown, loaded) };
    } catch (error) {
      this.#members.leave(member);
      throw error;
    }
  }

  /** An abort by the caller is no refusal. */
  #report(error: unknown, key: string | undefined): void {
    if (isCredenceError(error)) tell(() => this.#settings.onRefusal?.(error, key));
  }

  /** The key of a call. Throws `no_principal` if there is none, and `wrong_principal` if it is not that of the tool. */
  #keyOf(config: RunConfig | undefined, boundKey?: string): string {
    const { contextKey } = this.#settings;
    const key = keyIn(config, contextKey);
    if (boundKey !== undefined) {
      if (key !== undefined && key !== boundKey) throw otherPrincipal();
      return boundKey;
    }
    if (key === undefined) throw noKey(contextKey);
    return key;
  }
}

async function callOf(tool: DynamicStructuredTool, input: ToolInput, config?: ToolRunnableConfig): Promise<unknown> {
  return tool.invoke(input, config);
}

/** The tool of a principal with the same server and original name. Throws why the principal does not have it. */
function sameTool(shown: DynamicStructuredTool, loaded: LoadedTools): DynamicStructuredTool {
  const wanted = originOf(shown);
  const found = loaded.tools.find((tool) => {
    const origin = toolOrigin(tool);
    return origin?.server === wanted.server && origin.tool === wanted.tool;
  });
  if (found) return found;
  throw loaded.failures.find(({ server }) => server === wanted.server)?.error ?? unknownTool(wanted);
}
