/**
 * The key of the principal of a run: `principal` of the `context` with which the run was started. It is opaque: it names the principal
 * and is no secret. Undefined for a run without one.
 */
export function principalKey(context: unknown): string | undefined {
  if (typeof context !== 'object' || context === null || !('principal' in context)) return undefined;
  const { principal } = context;
  return typeof principal === 'string' && principal !== '' ? principal : undefined;
}
