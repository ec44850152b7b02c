import type { CredenceError, ServicePrincipal } from '@credence/core';
import { z } from 'zod';
import { checked, loadToolsSettings, type LoadToolsOptions } from '../options.ts';

/**
 * Why a principal left the pool. `max-idle`: another one was used more recently, and the pool keeps `maxIdle` unused ones. `idle`: it was
 * not used for `idleMs`. `max`: the pool was full, and another key needed a principal. `evict`: by `evict(key)`. `close`: the pool was
 * closed.
 */
export type EvictReason = 'max-idle' | 'idle' | 'max' | 'evict' | 'close';

/** Options of `principalPool`. */
export interface PrincipalPoolOptions {
  /**
   * Creates the principal of a key. The key is the text that the run passed, unchanged: throw if you do not know it. Called once for
   * concurrent first uses of a key; a failure is not remembered. Each call must return a new principal, which the pool closes. Set its
   * `label`, so that its events can be told apart from those of others.
   */
  create: (key: string) => ServicePrincipal | Promise<ServicePrincipal>;
  /** Configured names or URLs of the servers whose tools are loaded. Default: all servers of the principal. */
  servers?: readonly (string | URL)[];
  /** Options of `loadTools`, or a function that returns those of a key. */
  loadTools?: LoadToolsOptions | ((key: string) => LoadToolsOptions);
  /** How many principals without a call in progress stay open. The least recently used is closed first. Default: 100. */
  maxIdle?: number;
  /** After which time without a call a principal is closed, in milliseconds. Default: 600,000 (ten minutes). */
  idleMs?: number;
  /**
   * How many principals can exist at the same time, those included that are being created or closed. If all of them are in use, a further
   * key is refused with `too_many_principals`. Default: 1,000 more than `maxIdle`.
   */
  max?: number;
  /** The time limit of `create`, in milliseconds. Default: 60,000. */
  createTimeoutMs?: number;
  /** The name of the key in the `context` of a run. Default: `principal`. */
  contextKey?: string;
  /** Called when a principal leaves the pool; its connections are closed then. An error that it throws or rejects with is ignored. */
  onEvict?: (key: string, reason: EvictReason) => unknown;
  /**
   * Called for each call of a tool, and each call of `toolsFor`, that the pool refuses, because no principal has events for it: with the
   * error, and with the key if the run has one. An error that it throws or rejects with is ignored.
   */
  onRefusal?: (error: CredenceError, key: string | undefined) => unknown;
}

const MAX_MS = 2_147_483_647;

const fn = <Type extends (...parameters: never[]) => unknown>() =>
  z.custom<Type>((value) => typeof value === 'function', 'must be a function');

const schema = z.strictObject({
  create: fn<PrincipalPoolOptions['create']>(),
  servers: z
    .array(
      z.custom<string | URL>((value) => typeof value === 'string' || value instanceof URL, 'must be a name or a URL'),
    )
    .optional(),
  loadTools: z
    .custom<LoadToolsOptions | ((key: string) => LoadToolsOptions)>(
      (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
      'must be the options of loadTools, or a function',
    )
    .default({}),
  maxIdle: z.int().nonnegative().default(100),
  idleMs: z.int().positive().max(MAX_MS).default(600_000),
  max: z.int().positive().optional(),
  createTimeoutMs: z.int().positive().max(MAX_MS).default(60_000),
  contextKey: z.string().min(1).max(256).default('principal'),
  onEvict: fn<NonNullable<PrincipalPoolOptions['onEvict']>>().optional(),
  onRefusal: fn<NonNullable<PrincipalPoolOptions['onRefusal']>>().optional(),
});

/** The options with defaults for missing ones. */
export interface PoolSettings extends Omit<z.output<typeof schema>, 'max' | 'loadTools'> {
  readonly max: number;
  readonly loadTools: (key: string) => LoadToolsOptions;
}

/** Calls a function of the application, whose errors must harm nobody. */
export function tell(listener: () => unknown): void {
  try {
    const result = listener();
    if (result instanceof Promise) result.catch(() => undefined);
  } catch {}
}

/** Throws `invalid_configuration` for invalid options. */
export function poolSettings(options: PrincipalPoolOptions): PoolSettings {
  const { loadTools, max, ...settings } = checked(schema, options, 'principalPool');
  // Checked now, so that a misspelt option does not wait for the first run.
  if (typeof loadTools !== 'function') loadToolsSettings(loadTools);
  return {
    ...settings,
    max: max ?? settings.maxIdle + 1_000,
    loadTools: typeof loadTools === 'function' ? loadTools : () => loadTools,
  };
}
