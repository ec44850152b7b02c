import { IdJagError } from './error.ts';

/** The claims of a JWT, as they are in its payload. */
export type Claims = Readonly<Record<string, unknown>>;

/** Scopes, separated by spaces (RFC 6749 appendix A.4). */
export const SCOPE = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/u;

/** The latest time that a Date can represent (ECMAScript section 21.4.1.1), in epoch seconds. */
const MAX_SECONDS = 8.64e12;

export function requiredString(claims: Claims, name: string): string {
  const value = claims[name];
  if (value === undefined) throw new IdJagError('missing_claim', name);
  return textOf(value, name);
}

/** Returns a string that is not empty. Throws IdJagError with `name` for any other value. */
export function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new IdJagError('invalid_claim', name);
  return value;
}

export function optionalString(claims: Claims, name: string): string | undefined {
  return claims[name] === undefined ? undefined : requiredString(claims, name);
}

export function requiredNumber(claims: Claims, name: string): number {
  const value = claims[name];
  if (value === undefined) throw new IdJagError('missing_claim', name);
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > MAX_SECONDS) {
    throw new IdJagError('invalid_claim', name);
  }
  return value;
}

export function optionalNumber(claims: Claims, name: string): number | undefined {
  return claims[name] === undefined ? undefined : requiredNumber(claims, name);
}

export function optionalObject(claims: Claims, name: string): Record<string, unknown> | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (!isObject(value)) throw new IdJagError('invalid_claim', name);
  return value;
}

/** Returns a list of strings, none of them empty. Throws IdJagError with `name` for any other value. */
export function stringList(value: unknown, name: string): string[] {
  if (!Array.isArray(value)) throw new IdJagError('invalid_claim', name);
  return value.map((entry: unknown) => textOf(entry, name));
}

/** True for an object that is not a list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
