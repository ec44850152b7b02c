import { cleanText } from '@credence/protocol';
import { CredenceError } from '@credence/core';
import { z } from 'zod';

/** Options of `loadTools`. */
export interface LoadToolsOptions {
  /**
   * The result of a refused call of an agent. `message` (default): an error message for the model, and the run continues.
   * `throw`: the tool throws a ToolException whose `cause` is the CredenceError, and the agent handles it.
   */
  onRefused?: 'message' | 'throw';
  /** `v1` (default): `@modelcontextprotocol/sdk`. `v2`: `@modelcontextprotocol/client`, which you must install. */
  sdk?: 'v1' | 'v2';
  /** The time limit of a tool call, in milliseconds. A `timeout` in the config of the call has priority. Default: 60,000 (of the SDK). */
  toolTimeoutMs?: number;
  /** The time limit for the first answer on a connection, in milliseconds. Default: 60,000 (of the SDK). */
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

/** Throws `invalid_configuration` for invalid options. */
export function loadToolsSettings(options: LoadToolsOptions): LoadToolsSettings {
  return checked(schema, options, 'loadTools');
}

/** Validates options. An unknown option is an error, because a misspelt rule would otherwise have no effect. */
export function checked<Schema extends z.ZodObject>(schema: Schema, options: unknown, owner: string): z.output<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `An option of ${owner} is invalid: ${cleanText(`${where}${issue?.message ?? 'not an object'}`)}.`,
    remedy: `The options of ${owner} are ${Object.keys(schema.shape).join(', ')}.`,
    contact: 'you',
  });
}
