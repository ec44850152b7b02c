/** The name of the key in the `context` of a run, if the options do not name another. */
export const CONTEXT_KEY = 'principal';

/** Where a function that returns the tools of a run has the name of the key. */
const NAME_OF_KEY = Symbol.for('credence.contextKey');
/** Where the tools of one principal of a pool have its key. */
const PRINCIPAL = Symbol.for('credence.principal');

export function withNameOfKey<T extends object>(toolsOf: T, name: string): T {
  return Object.defineProperty(toolsOf, NAME_OF_KEY, { value: name });
}

export function nameOfKey(toolsOf: object): string | undefined {
  const name: unknown = Reflect.get(toolsOf, NAME_OF_KEY);
  return typeof name === 'string' ? name : undefined;
}

export function ofPrincipal<T extends object>(tools: T, key: string): T {
  return Object.defineProperty(tools, PRINCIPAL, { value: key });
}

export function principalOfTools(tools: object | undefined): string | undefined {
  const key: unknown = tools && Reflect.get(tools, PRINCIPAL);
  return typeof key === 'string' ? key : undefined;
}

/** The own member of a context that has this name. */
export function memberOfContext(context: unknown, name: string): { readonly value: unknown } | undefined {
  if (typeof context !== 'object' || context === null || !Object.hasOwn(context, name)) return undefined;
  return { value: (context as Readonly<Record<string, unknown>>)[name] };
}

/**
 * The key of the principal of a run: a member of the `context` with which the run was started. It is opaque: it names the principal
 * and is no secret. Undefined for a run without one.
 */
export function principalKey(context: unknown, contextKey: string): string | undefined {
  const key = memberOfContext(context, contextKey)?.value;
  return typeof key === 'string' && key !== '' ? key : undefined;
}
