import { cleanText, CredenceError } from '@credence/core';
import { z } from 'zod';
import type { OnRefused } from './tools/guard.ts';

export interface LoadToolsOptions {
  /**
   * What a refused call becomes where an agent made it: `message` (default), an error message the model reads while the run
   * goes on, or `throw`, a ToolException whose `cause` is the CredenceError; what the agent makes of that is up to it.
   */
  onRefused?: OnRefused;
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
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `An option of loadTools is wrong: ${cleanText(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`)}.`,
    remedy: 'Options are onRefused, sdk, toolTimeoutMs and connectTimeoutMs.',
    contact: 'you',
  });
}
