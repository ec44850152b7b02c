import { CredenceError } from '@credence/core';
import { cleanText } from '@credence/protocol';
import { z } from 'zod';
import type { Environment } from './platform.ts';

/** Text that is not empty. */
export const text = z.string().refine((value) => value.trim() !== '', 'is empty');
/** Environment variables. */
export const environment = z.record(z.string(), z.string().optional()).optional();
/** A `fetch`. */
export const fetchFunction = z
  .custom<typeof fetch>((value) => typeof value === 'function', 'is not a function')
  .optional();
/** A time limit, in milliseconds. */
export const milliseconds = z.number().int().min(1).max(600_000).optional();
/** The name of a member of a JSON object, or the names on the way to it. */
export const jsonField = z.union([text, z.array(text).min(1)], 'is neither a name nor a list of names').optional();

/** Validates the options of a platform. Throws `invalid_configuration`. An unknown option is an error, because a misspelt one would have no effect. */
export function checkOptions(platform: string, schema: z.ZodObject, options: unknown): void {
  const { error } = schema.safeParse(options);
  if (error === undefined) return;
  const [issue] = error.issues;
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw invalidOption(platform, `${where}${issue?.message ?? 'not an object'}`, Object.keys(schema.shape));
}

/** The error for an option that cannot be used. `fault` begins with the name of the option and contains no value of it. */
export function invalidOption(platform: string, fault: string, known: readonly string[]): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `An option of ${platform} is invalid: ${cleanText(fault)}.`,
    remedy: `The options of ${platform} are ${known.join(', ')}.`,
    contact: 'you',
  });
}

/** The value of a variable without white space around it. Undefined if the variable is missing or empty. */
export function variable(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}
