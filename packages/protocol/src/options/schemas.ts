import { z } from 'zod';
import { SCOPE_TOKEN } from '../text/scope.ts';

/** One scope (RFC 6749 section 3.3). */
export const scope = z.string().regex(SCOPE_TOKEN, 'is not a scope (RFC 6749 section 3.3)');
/** A function. */
export const callback = z.custom((value) => typeof value === 'function', 'is not a function');
/** True, false, or left out. */
export const flag = z.boolean().optional();
/** Of a kind that something else checks. */
export const unchecked = z.unknown().optional();

/** RFC 8707 section 2: what a resource identifier must be. */
export function isAbsoluteUri(value: string): boolean {
  return URL.canParse(value) && !value.includes('#');
}

/** Throws a TypeError that begins with `where`, for options that are not what the schema says. */
export function checkShape(where: string, schema: z.ZodType, options: unknown): void {
  const { error } = schema.safeParse(options);
  if (error !== undefined) throw new TypeError(`${where}: ${z.prettifyError(error)}`);
}
