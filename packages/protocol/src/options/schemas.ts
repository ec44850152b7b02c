import { z } from 'zod';
import { parsedUrl } from '../text/parsed-url.ts';
import { SCOPE_TOKEN } from '../text/scope.ts';

/** One scope (RFC 6749 section 3.3). */
export const scope = z.string().regex(SCOPE_TOKEN, 'is not a scope (RFC 6749 section 3.3)');
/** A function. */
export const callback = z.custom((value) => typeof value === 'function', 'is not a function');
/** An optional boolean. */
export const flag = z.boolean().optional();
/** An optional value of any type, for an option that other code checks. */
export const checkedElsewhere = z.unknown().optional();

/** Whether `value` is an absolute URI without a fragment, as RFC 8707 section 2 requires of a resource identifier. */
export function isAbsoluteUri(value: string): boolean {
  return parsedUrl(value) !== undefined && !value.includes('#');
}

/** Throws a TypeError that begins with `where` if the options do not match the schema. */
export function checkShape(where: string, schema: z.ZodType, options: unknown): void {
  const { error } = schema.safeParse(options);
  if (error !== undefined) throw new TypeError(`${where}: ${z.prettifyError(error)}`);
}
