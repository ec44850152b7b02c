import { cleanText } from '@credence/protocol';
import { CredenceError } from '@credence/core';
import { z } from 'zod';
import { DEFAULT_LIMITS, type ToolListLimits } from './listing/limits.ts';
import { type CallOptions, CONTENT_TYPES } from './mcp-adapters.ts';
import type { OnElicitation, OnSampling } from './server-requests/requests.ts';

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
  /**
   * `'http'` (default): Streamable HTTP. `'sse'`: the HTTP+SSE transport of revision 2024-11-05. By the configured name of a server, or
   * for all servers. The other transport is never tried.
   */
  transport?: 'http' | 'sse' | Readonly<Record<string, 'http' | 'sse'>>;
  /**
   * Whether each progress notification of a server starts the time limit of its call again. A `timeout` in the config of a call stays
   * as it is: LangChain aborts the call after it. Default: false.
   */
  resetTimeoutOnProgress?: boolean;
  /**
   * The time limit of a whole tool call, in milliseconds, however much progress the server reports. The call is then cancelled at the
   * server. Default with `resetTimeoutOnProgress`: 600,000, or `toolTimeoutMs` if that is more. Otherwise none beside the time limit.
   */
  maxTotalTimeoutMs?: number;
  /**
   * As in mcp-adapters: called with the progress of a call (`progress`, `total`, `message`), and with `{ type: 'tool', server, name, args }`.
   * At most 100 times a second for a call. The text is the server's, without control and invisible characters.
   */
  onProgress?: CallOptions['onProgress'];
  /** As in mcp-adapters: whether results use LangChain's standard content blocks. Default: false. */
  useStandardContentBlocks?: boolean;
  /**
   * As in mcp-adapters: which types of content (`text`, `image`, `audio`, `resource`, `resource_link`) are for the model (`content`) and
   * which only for the application (`artifact`). Default: `resource` is an artifact, everything else is content.
   */
  outputHandling?: CallOptions['outputHandling'];
  /**
   * As in mcp-adapters: called before a call is sent. May return other `args`, and additional `headers` for this request. Headers that
   * belong to Credence or the protocol (`authorization`, `dpop`, `cookie`, `mcp-*`, ...) are refused.
   */
  beforeToolCall?: CallOptions['beforeToolCall'];
  /** As in mcp-adapters: called with the result of a call. May return another `result`. */
  afterToolCall?: CallOptions['afterToolCall'];
  /**
   * Answers a server that asks for values while a tool runs (elicitation). Without it the capability is not declared, and a server that
   * asks anyway gets an error. It has as long as a call of a tool.
   */
  onElicitation?: OnElicitation;
  /** Answers a server that asks for a message of a model (sampling). Otherwise like `onElicitation`. */
  onSampling?: OnSampling;
  /**
   * Limits on the list of tools of each server, and on its lists of resources and prompts. What is beyond a limit is left out, and `failures` has an entry for it. The tools
   * before the limit are loaded. Default: 100 pages, 1,000 tools (or
   * resources, or prompts), 10,000,000 bytes and 60,000 milliseconds.
   */
  limits?: ToolListLimits;
}

/** The longest time of a timer of Node.js, in milliseconds. */
const MAX_MS = 2_147_483_647;
const milliseconds = z.int().positive().max(MAX_MS);

const transport = z.enum(['http', 'sse']);
const destination = z.enum(['content', 'artifact']);

/** A function of the application. It cannot be checked further. */
function callback<Callback>() {
  return z.custom<Callback>((value) => typeof value === 'function', 'expected a function').optional();
}

const schema = z.strictObject({
  transport: z.union([transport, z.record(z.string(), transport)]).default('http'),
  resetTimeoutOnProgress: z.boolean().default(false),
  maxTotalTimeoutMs: milliseconds.optional(),
  onProgress: callback<NonNullable<CallOptions['onProgress']>>(),
  useStandardContentBlocks: z.boolean().optional(),
  outputHandling: z.union([destination, z.partialRecord(z.enum(CONTENT_TYPES), destination)]).optional(),
  beforeToolCall: callback<NonNullable<CallOptions['beforeToolCall']>>(),
  afterToolCall: callback<NonNullable<CallOptions['afterToolCall']>>(),
  onElicitation: callback<OnElicitation>(),
  onSampling: callback<OnSampling>(),
  onRefused: z.enum(['message', 'throw']).default('message'),
  sdk: z.enum(['v1', 'v2']).default('v1'),
  toolTimeoutMs: milliseconds.optional(),
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

/** The longest time of a call whose time limit starts again with each progress notification, in milliseconds. */
const MAX_TOTAL_MS = 600_000;

/** Throws `invalid_configuration` for invalid options. `serverNames` are the servers that `transport` can name. */
export function loadToolsSettings(options: LoadToolsOptions, serverNames: readonly string[]): LoadToolsSettings {
  const settings = checked(schema, options, 'loadTools');
  const { transport: transports, resetTimeoutOnProgress, toolTimeoutMs } = settings;
  for (const name of typeof transports === 'string' ? [] : Object.keys(transports)) {
    if (!serverNames.includes(name)) throw unknownTransport(name, serverNames);
  }
  const { totalMs = Math.max(DEFAULT_LIMITS.totalMs, 2 * (settings.connectTimeoutMs ?? 0)) } = settings.limits;
  const defaultTotalMs = resetTimeoutOnProgress ? Math.max(MAX_TOTAL_MS, toolTimeoutMs ?? 0) : undefined;
  return {
    ...settings,
    maxTotalTimeoutMs: settings.maxTotalTimeoutMs ?? defaultTotalMs,
    limits: { ...settings.limits, totalMs: Math.min(totalMs, MAX_MS) },
  };
}

/** The transport of one server. */
export function transportOf({ transport: transports }: LoadToolsSettings, server: string): 'http' | 'sse' {
  if (typeof transports === 'string') return transports;
  return (Object.hasOwn(transports, server) ? transports[server] : undefined) ?? 'http';
}

/** The options of mcp-adapters among the settings. */
export function callOptionsOf(settings: LoadToolsSettings): CallOptions {
  const { onProgress, useStandardContentBlocks, outputHandling, beforeToolCall, afterToolCall } = settings;
  return {
    ...(onProgress && { onProgress }),
    ...(useStandardContentBlocks !== undefined && { useStandardContentBlocks }),
    ...(outputHandling && { outputHandling }),
    ...(beforeToolCall && { beforeToolCall }),
    ...(afterToolCall && { afterToolCall }),
  };
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
