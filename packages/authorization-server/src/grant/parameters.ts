import { GrantRefusal } from './refusal.ts';

/** Of a token request: the text of each, or a list of texts where it is repeated. */
export type Parameters = Readonly<Record<string, unknown>>;

/** The one value of a parameter; undefined where it is absent or empty. Throws GrantRefusal `invalid_request`. */
export function parameter(params: Parameters, name: string): string | undefined {
  const values = parameterList(params, name);
  if (values.length > 1) throw new GrantRefusal('invalid_request', `${name} must not be repeated`);
  return values[0];
}

/** The one value of a parameter. Throws GrantRefusal `invalid_request` where it is absent, empty or repeated. */
export function requiredParameter(params: Parameters, name: string): string {
  const value = parameter(params, name);
  if (value === undefined) throw new GrantRefusal('invalid_request', `${name} is required`);
  return value;
}

/** All values of a parameter that may repeat (RFC 8693 section 2.1, RFC 8707 section 2), each once. */
export function parameterList(params: Parameters, name: string): string[] {
  const value = params[name];
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((entry) => typeof entry === 'string'))
    throw new GrantRefusal('invalid_request', `${name} is malformed`);
  return [...new Set(list.filter((entry) => entry !== ''))];
}

/** The `scope` parameter as a list; undefined where it is absent. */
export function scopeParameter(params: Parameters): string[] | undefined {
  const scope = parameter(params, 'scope');
  return scope === undefined ? undefined : [...new Set(scope.split(' ').filter((entry) => entry !== ''))];
}
