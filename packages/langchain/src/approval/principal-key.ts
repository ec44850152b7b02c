/** The name of the key in the `context` of a run, if the options do not name another. */
export const CONTEXT_KEY = 'principal';

/**
 * The key of the principal of a run: a member of the `context` with which the run was started. It is opaque: it names the principal
 * and is no secret. Undefined for a run without one.
 */
export function principalKey(context: unknown, contextKey: string): string | undefined {
  if (typeof context !== 'object' || context === null || !Object.hasOwn(context, contextKey)) return undefined;
  const key: unknown = (context as Readonly<Record<string, unknown>>)[contextKey];
  return typeof key === 'string' && key !== '' ? key : undefined;
}
