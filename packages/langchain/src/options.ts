import { cleanText } from '@credence/protocol';
import { CredenceError } from '@credence/core';
import { z } from 'zod';

/** Options of `loadTools`. */
export interface LoadToolsOptions {
  /**
   * What a refused call becomes where an agent made it: `message` (default), an error message the model reads while the run
   * goes on, or `throw`, a ToolException whose `cause` is the CredenceError; what the agent makes of that is up to it.
   */
  onRefused?: 'message' | 'throw';
  /** `v1` (default): `@modelcontextprotocol/sdk`. `v2`: `@modelcontextprotocol/client`, which you then install beside it. */
  sdk?: 'v1' | 'v2';
  /** How long a tool call may take, in milliseconds; a `timeout` in the call's config wins. Default: the SDK's, 60,000. */
  toolTimeoutMs?: number;
  /** How long a server may take to answer the first request of a connection, in milliseconds. Default: the SDK's, 60,000. */
  connectTimeoutMs?: number;
}

const milliseconds = z.int().positive().max(2_147_483_647);

const schema = z.strictObject({
  onRefused: z.enum(['message', 'throw']).default('message'),
  sdk: z.enum(['v1', 'v2']).default('v1'),
  toolTimeoutMs: milliseconds.optional(),
  connectTimeoutMs: milliseconds.optional(),
});

export type LoadToolsSettings = z.output<typeof schema>;

/** Throws `invalid_configuration`. */
export function loadToolsSettings(options: LoadToolsOptions): LoadToolsSettings {
  return checked(schema, options, 'loadTools');
}

/** The options as `schema` gives them; a misspelt one is an error, because a rule that is not read does not hold. */
export function checked<Schema extends z.ZodObject>(schema: Schema, options: unknown, owner: string): z.output<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `An option of ${owner} is wrong: ${cleanText(`${where}${issue?.message ?? 'not an object'}`)}.`,
    remedy: `Options of ${owner} are ${Object.keys(schema.shape).join(', ')}.`,
    contact: 'you',
  });
}
