import { GrantRefusal } from './refusal.ts';

/** The parameters of a token request: a string for each, or a list of strings for a repeated one. */
export type Parameters = Readonly<Record<string, unknown>>;

/** The value of a parameter; undefined if it is absent or empty. Throws GrantRefusal `invalid_request` if it is repeated. */
export function parameter(params: Parameters, name: string): string | undefined {
  const values = parameterList(params, name);
  if (values.length > 1) throw new GrantRefusal('invalid_request', `${name} must not be repeated`);
  return values[0];
}

/** The value of a parameter. Throws GrantRefusal `invalid_request` if it is absent, empty or repeated. */
export function requiredParameter(params: Parameters, name: string): string {
  const value = parameter(params, name);
  if (value === undefined) throw new GrantRefusal('invalid_request', `${name} is required`);
  return value;
}

/** All values of a parameter that may be repeated (RFC 8693 section 2.1, RFC 8707 section 2), without duplicates. */
export function parameterList(params: Parameters, name: string): string[] {
  const value = params[name];
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((entry) => typeof entry === 'string'))
    throw new GrantRefusal('invalid_request', `${name} is malformed`);
  return [...new Set(list.filter((entry) => entry !== ''))];
}

/** The `scope` parameter as a list; undefined if it is absent. */
export function scopeParameter(params: Parameters): string[] | undefined {
  const scope = parameter(params, 'scope');
  return scope === undefined ? undefined : [...new Set(scope.split(' ').filter((entry) => entry !== ''))];
}
