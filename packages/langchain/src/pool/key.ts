import { noPrincipal } from './refusals.ts';

/** The maximum length of a key, in UTF-16 code units. */
const MAX_KEY = 256;

/** The part of the config of a run that has its context: of a tool call, a node or a middleware (`runtime`). */
export interface RunConfig {
  /** The `context` that the caller of the run passed. */
  readonly context?: unknown;
  /** `configurable` of the config, such as `thread_id`. */
  readonly configurable?: Readonly<Record<string, unknown>> | undefined;
  /** Ends the wait of this caller. */
  readonly signal?: AbortSignal | undefined;
}

/** The key in the context of a run, or undefined if the context has none. Throws `no_principal` for an unusable key. */
export function keyIn(config: RunConfig | undefined, contextKey: string): string | undefined {
  const context = config?.context;
  if (typeof context !== 'object' || context === null || !Object.hasOwn(context, contextKey)) return undefined;
  const key: unknown = (context as Readonly<Record<string, unknown>>)[contextKey];
  return key === undefined || key === null ? undefined : checkedKey(key, contextKey);
}

/** Throws `no_principal` if a key is not a text of 1 to 256 characters. */
export function checkedKey(key: unknown, contextKey: string): string {
  if (typeof key !== 'string') throw noPrincipal(contextKey, 'has a key of a principal that is not a text');
  if (key === '') throw noPrincipal(contextKey, 'has an empty key of a principal');
  if (key.length > MAX_KEY) {
    throw noPrincipal(contextKey, `has a key of a principal with more than ${MAX_KEY} characters`);
  }
  return key;
}
