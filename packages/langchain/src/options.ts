import { cleanText } from '@credence/protocol';
import { CredenceError } from '@credence/core';
import { z } from 'zod';
import { CONTEXT_KEY } from './approval/principal-key.ts';
import type { SendRunId } from './access/run-of-tool.ts';
import type { ApproveStepUpOption } from './approval/tool-call.ts';
import {
  connectionOptions,
  type ConnectionOptions,
  MAX_MS,
  milliseconds,
  unknownServer,
} from './connection-options.ts';
import type { ToolsChange } from './loaded-tools.ts';
import { DEFAULT_PAUSES, type RetryPauses } from './retry-pause.ts';
import { DEFAULT_LIMITS, type ToolListLimits } from './listing/limits.ts';

/** Options of `loadTools`. */
export interface LoadToolsOptions extends ConnectionOptions {
  /**
   * The result of a refused call of an agent. `message` (default): an error message for the model, and the run continues.
   * `throw`: the tool throws a ToolException whose `cause` is the CredenceError, and the agent handles it.
   */
  onRefused?: 'message' | 'throw';
  /**
   * Called before a call of a tool adds scopes of a server's `stepUp` to the bot's access token, also without `accessMiddleware`, such as
   * in a ToolNode. `interrupt`: asks by an interrupt of LangGraph, whose value is a {@link StepUpInterrupt}; see `stepUpAnswer`. The run
   * needs a checkpointer, and outside of a graph the step-up is denied. Default: scopes in `stepUp` need no approval.
   */
  approveStepUp?: ApproveStepUpOption;
  /** The name of the key of the principal in the `context` of a run, for `approveStepUp`. Default: `principal`. */
  contextKey?: string;
  /**
   * True: each request of a tool call has the id of its run in the header `Credence-Run`, and its events have it too, so that the audit trails of the
   * bot and of the servers name the run of LangChain. A function returns the id for the config of the call, such as that of the whole
   * agent run or of the thread. A server records the id as stated by the client. Default: false, and the servers do not learn the id.
   */
  sendRunId?: SendRunId;
  /** `v1` (default): `@modelcontextprotocol/sdk`. `v2`: `@modelcontextprotocol/client`, which you must install. */
  sdk?: 'v1' | 'v2';
  /** The time limit for the first answer on a connection, in milliseconds. Default: 60,000 (of the SDK). */
  connectTimeoutMs?: number;
  /**
   * The time for which `loadTools` waits for all servers together, in milliseconds. The tools of a server that needs longer join later,
   * and until then `failures` has an entry for it. With 0 it does not wait. Default: 30,000.
   */
  deadlineMs?: number;
  /**
   * The pauses before a server whose tools are missing is tried again, in the background. They are five times as long for a failure
   * that only a person can end, such as a refusal, and never shorter than the pause of the principal or the `Retry-After` of a
   * peer. A random part, up to a quarter, is taken off. False: it is tried again only by `reload()`. Default: a second at first, doubled by each
   * failure, at most a minute.
   */
  retry?: RetryPauses | false;
  /**
   * Called after the tools have changed: a server was reached or has changed its list. Not called for what `loadTools` itself returns.
   * An error that it throws becomes an event of the type `warning`.
   */
  onChanged?: (change: ToolsChange) => unknown;
  /**
   * Limits on each list of a server: of its tools, resources, resource templates and prompts. What is beyond a limit is left out, and
   * `failures` has an entry for it. What is before the limit is there. Default: 100 pages, 1,000 tools (or resources, or prompts),
   * 10,000,000 bytes and 60,000 milliseconds.
   */
  limits?: ToolListLimits;
}

/** The option `contextKey` of `loadTools` and of `accessMiddleware`. */
export const contextKey = z.string().min(1).max(256).default(CONTEXT_KEY);

/** The option `approveStepUp` of `loadTools` and of `accessMiddleware`. */
export const stepUpRule = z
  .custom<ApproveStepUpOption>(
    (value) => value === 'interrupt' || typeof value === 'function',
    "must be a function or 'interrupt'",
  )
  .optional();

const schema = z.strictObject({
  ...connectionOptions,
  deadlineMs: z.int().nonnegative().max(MAX_MS).default(30_000),
  retry: z
    .union([
      z.literal(false),
      z.strictObject({
        firstMs: milliseconds.default(DEFAULT_PAUSES.firstMs),
        maxMs: milliseconds.default(DEFAULT_PAUSES.maxMs),
      }),
    ])
    .prefault({}),
  onChanged: z
    .custom<NonNullable<LoadToolsOptions['onChanged']>>((value) => typeof value === 'function', 'must be a function')
    .optional(),
  onRefused: z.enum(['message', 'throw']).default('message'),
  approveStepUp: stepUpRule,
  contextKey,
  sendRunId: z
    .custom<SendRunId>(
      (value) => typeof value === 'boolean' || typeof value === 'function',
      'must be true, false or a function',
    )
    .default(false),
  sdk: z.enum(['v1', 'v2']).default('v1'),
  connectTimeoutMs: milliseconds.optional(),
  limits: z
    .strictObject({
      pages: z.int().positive().default(DEFAULT_LIMITS.pages),
      tools: z.int().positive().default(DEFAULT_LIMITS.tools),
      bytes: z.int().positive().default(DEFAULT_LIMITS.bytes),
      totalMs: milliseconds.optional(),
    })
    .prefault({}),
});

export interface LoadToolsSettings extends Omit<z.output<typeof schema>, 'limits'> {
  readonly limits: Required<ToolListLimits>;
}

/** Throws `invalid_configuration` for invalid options. `serverNames` are the servers that `transport` can name, if they are known. */
export function loadToolsSettings(options: LoadToolsOptions, serverNames?: readonly string[]): LoadToolsSettings {
  const settings = checked(schema, options, 'loadTools');
  const unknown = serverNames && unknownServer(settings, serverNames);
  if (unknown !== undefined) throw unknownTransport(unknown, serverNames ?? []);
  const { totalMs = Math.max(DEFAULT_LIMITS.totalMs, 2 * (settings.connectTimeoutMs ?? 0)) } = settings.limits;
  return { ...settings, limits: { ...settings.limits, totalMs: Math.min(totalMs, MAX_MS) } };
}

/** Validates options. An unknown option is an error, because a misspelt rule would otherwise have no effect. */
export function checked<Schema extends z.ZodObject>(schema: Schema, options: unknown, owner: string): z.output<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : '';
  throw invalidOption(owner, `${where}${issue?.message ?? 'not an object'}`, Object.keys(schema.shape));
}

function unknownTransport(name: string, serverNames: readonly string[]): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `An option of loadTools is invalid: transport.${cleanText(name)}: there is no server of this name.`,
    remedy: `The configured servers are ${serverNames.join(', ')}.`,
    contact: 'you',
  });
}

function invalidOption(owner: string, fault: string, known: readonly string[]): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `An option of ${owner} is invalid: ${cleanText(fault)}.`,
    remedy: `The options of ${owner} are ${known.join(', ')}.`,
    contact: 'you',
  });
}
