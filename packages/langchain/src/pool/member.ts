import type { AsyncResource } from 'node:async_hooks';
import type { ServicePrincipal } from '@credence/core';
import { waitFor, within } from '@credence/protocol';
import { loadTools } from '../load-tools.ts';
import type { LoadedTools } from '../loaded-tools.ts';
import type { PoolSettings } from './options.ts';
import { notCreated, poolClosed, unusablePrincipal } from './refusals.ts';
import type { Turns } from './turns.ts';

/** What the members of a pool share. */
export interface MemberContext {
  readonly settings: PoolSettings;
  /** The principals that `create` has returned. */
  readonly known: WeakSet<ServicePrincipal>;
  /**
   * The asynchronous context of the pool. A principal lives longer than the call that needs it first, so it must not be created in the
   * context of that call: its connections and timers would keep the run of that call, and its approval of step-ups.
   */
  readonly scope: AsyncResource;
  /** In which they load their tools. */
  readonly turns: Turns;
}

/** The principal of one key, its connections and its tools. */
export class Member {
  readonly key: string;
  /** The number of uses in progress. */
  uses = 0;
  /** When the last use ended, on the clock of `performance.now()`. */
  idleSinceMs = 0;
  /** The principal. Rejects if it cannot be created, or if the member is closed before. */
  readonly opened: Promise<ServicePrincipal>;
  readonly #context: MemberContext;
  readonly #closing = new AbortController();
  #bot: ServicePrincipal | undefined;
  #tools: Promise<LoadedTools> | undefined;
  #areLoaded = false;
  #closed: Promise<void> | undefined;

  constructor(key: string, context: MemberContext) {
    this.key = key;
    this.#context = context;
    const created = context.scope.runInAsyncScope(async () => this.#created());
    this.opened = waitFor(inTime(created, context.settings.createTimeoutMs), this.#closing.signal);
  }

  /** Whether the principal was created, and not closed since. */
  get isOpen(): boolean {
    return this.#bot !== undefined && !this.#closing.signal.aborted;
  }

  /** The tools of the principal. They are loaded once; a failure is not remembered. */
  async tools(): Promise<LoadedTools> {
    this.#tools ??= this.#context.scope.runInAsyncScope(async () => this.#loaded());
    return this.#tools;
  }

  /** Closes the connections and the principal. Does not wait for a principal that is being created: it is closed later. Never throws. */
  async close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #created(): Promise<ServicePrincipal> {
    const { settings, known } = this.#context;
    const bot = await Promise.resolve(this.key)
      .then(settings.create)
      .catch((error: unknown) => {
        throw notCreated(error);
      });
    checkUsable(bot);
    // Otherwise closing one key would close another, or the tokens of one would be those of the other.
    if (known.has(bot)) throw unusablePrincipal('a principal that it had returned before');
    known.add(bot);
    if (this.#closing.signal.aborted) await bot.close().catch(() => undefined);
    else this.#bot = bot;
    return bot;
  }

  async #loaded(): Promise<LoadedTools> {
    try {
      const bot = await this.opened;
      const { settings, turns } = this.#context;
      const options = { contextKey: settings.contextKey, ...settings.loadTools(this.key) };
      const loaded = await turns.run(async () => loadTools(bot, settings.servers, options), this.#closing.signal);
      this.#areLoaded = true;
      return loaded;
    } catch (error) {
      this.#tools = undefined;
      throw notCreated(error);
    }
  }

  async #end(): Promise<void> {
    this.#closing.abort(poolClosed());
    const closePrincipal = async () => this.#bot?.close().catch(() => undefined);
    // A server ends a session only with a token, so the principal is closed last. But that also ends the loading of tools.
    if (!this.#areLoaded) await closePrincipal();
    const tools = await this.#tools?.catch(() => undefined);
    await tools?.close();
    await closePrincipal();
  }
}

async function inTime<T>(created: Promise<T>, limitMs: number): Promise<T> {
  return within(limitMs, created).catch((error: unknown) => {
    throw notCreated(error);
  });
}

/** Throws `invalid_configuration` if a value is not a principal, or one that was closed. */
function checkUsable(bot: unknown): asserts bot is ServicePrincipal {
  if (!isPrincipal(bot)) throw unusablePrincipal('something that is not a ServicePrincipal');
  try {
    const [first] = bot.serverNames;
    if (first !== undefined) bot.server(first);
  } catch {
    throw unusablePrincipal('a principal that is closed');
  }
}

/** By its methods: a principal of another loaded copy of core is one too. */
function isPrincipal(value: unknown): value is ServicePrincipal {
  return (
    typeof value === 'object' &&
    value !== null &&
    'fetchFor' in value &&
    typeof value.fetchFor === 'function' &&
    'close' in value &&
    typeof value.close === 'function' &&
    'server' in value &&
    typeof value.server === 'function' &&
    'serverNames' in value &&
    Array.isArray(value.serverNames)
  );
}
