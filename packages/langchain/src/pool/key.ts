import { memberOfContext } from '../approval/principal-key.ts';
import { noKey, noPrincipal } from './refusals.ts';

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

/**
 * The key in the context of a run. Undefined if the context says nothing of a principal. Throws `no_principal` if it has a member for the
 * key that is no key, such as undefined.
 */
export function keyIn(config: RunConfig | undefined, contextKey: string): string | undefined {
  const found = memberOfContext(config?.context, contextKey);
  if (!found) return undefined;
  const { value } = found;
  if (value === undefined || value === null) throw noKey(contextKey);
  if (!isKey(value)) throw noPrincipal(contextKey, `This run has a key that is no principal's. ${KEYS}`);
  return value;
}

/** A key that is a parameter of a method of the pool. Throws `no_principal` if it is none. */
export function checkedKey(key: unknown, contextKey: string): string {
  if (!isKey(key)) throw noPrincipal(contextKey, KEYS);
  return key;
}

const KEYS = `The key of a principal must be a string of 1 to ${MAX_KEY} characters.`;

function isKey(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_KEY;
}
