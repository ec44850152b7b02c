import { z } from 'zod';
import type { CallTime } from './facade/call-time.ts';
import { type McpCallOptions, CONTENT_TYPES } from './mcp-adapters.ts';
import type { OnElicitation, OnSampling } from './server-requests/requests.ts';

/** Options of `loadTools` for what goes through the connection of a server. */
export interface ConnectionOptions {
  /**
   * `'http'` (default): Streamable HTTP. `'sse'`: the HTTP+SSE transport of revision 2024-11-05. By the configured name of a server, or
   * for all servers. The other transport is never tried.
   */
  transport?: 'http' | 'sse' | Readonly<Record<string, 'http' | 'sse'>>;
  /** The time limit of a tool call, in milliseconds. A `timeout` in the config of the call has priority. Default: 60,000 (of the SDK). */
  toolTimeoutMs?: number;
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
  onProgress?: McpCallOptions['onProgress'];
  /** As in mcp-adapters: whether results use LangChain's standard content blocks. Default: false. */
  useStandardContentBlocks?: boolean;
  /**
   * As in mcp-adapters: which types of content (`text`, `image`, `audio`, `resource`, `resource_link`) are for the model (`content`) and
   * which only for the application (`artifact`). Default: `resource` is an artifact, everything else is content.
   */
  outputHandling?: McpCallOptions['outputHandling'];
  /**
   * As in mcp-adapters: called before a call is sent. May return other `args`, and additional `headers` for this request. Headers that
   * belong to Credence or the protocol (`authorization`, `dpop`, `cookie`, `mcp-*`, ...) are refused.
   */
  beforeToolCall?: McpCallOptions['beforeToolCall'];
  /** As in mcp-adapters: called with the result of a call. May return another `result`. */
  afterToolCall?: McpCallOptions['afterToolCall'];
  /**
   * Answers a server that asks for values while a tool runs (elicitation). Without it the capability is not declared, and a server that
   * asks anyway gets an error. It has as long as a call of a tool.
   */
  onElicitation?: OnElicitation;
  /** Answers a server that asks for a message of a model (sampling). Otherwise like `onElicitation`. */
  onSampling?: OnSampling;
}

/** The longest time of a timer of Node.js, in milliseconds. */
export const MAX_MS = 2_147_483_647;
export const milliseconds = z.int().positive().max(MAX_MS);

// Names for types of mcp-adapters, so that the declarations of this package need not repeat what these types consist of.
export interface OnProgress extends NonNullable<McpCallOptions['onProgress']> {}
export interface BeforeToolCall extends NonNullable<McpCallOptions['beforeToolCall']> {}
export interface AfterToolCall extends NonNullable<McpCallOptions['afterToolCall']> {}

const transport = z.enum(['http', 'sse']);
const destination = z.enum(['content', 'artifact']);

/** A function of the application. It cannot be checked further. */
function callback<Callback>() {
  return z.custom<Callback>((value) => typeof value === 'function', 'must be a function').optional();
}

/** The checks of these options. */
export const connectionOptions = {
  transport: z.union([transport, z.record(z.string(), transport)]).default('http'),
  toolTimeoutMs: milliseconds.optional(),
  resetTimeoutOnProgress: z.boolean().default(false),
  maxTotalTimeoutMs: milliseconds.optional(),
  onProgress: callback<OnProgress>(),
  useStandardContentBlocks: z.boolean().optional(),
  outputHandling: z.union([destination, z.partialRecord(z.enum(CONTENT_TYPES), destination)]).optional(),
  beforeToolCall: callback<BeforeToolCall>(),
  afterToolCall: callback<AfterToolCall>(),
  onElicitation: callback<OnElicitation>(),
  onSampling: callback<OnSampling>(),
};

const checkedOptions = z.object(connectionOptions);
type ConnectionSettings = z.output<typeof checkedOptions>;

/** A name in `transport` that is no configured server. */
export function unknownServer(
  { transport: transports }: ConnectionSettings,
  serverNames: readonly string[],
): string | undefined {
  return typeof transports === 'string'
    ? undefined
    : Object.keys(transports).find((name) => !serverNames.includes(name));
}

/** The transport of one server. */
export function transportOf({ transport: transports }: ConnectionSettings, server: string): 'http' | 'sse' {
  if (typeof transports === 'string') return transports;
  return (Object.hasOwn(transports, server) ? transports[server] : undefined) ?? 'http';
}

/** The longest time of a call whose time limit starts again with each progress notification, in milliseconds. */
const MAX_TOTAL_MS = 600_000;

/** The time of a call in the facade. Without `resetTimeoutOnProgress` LangChain applies `toolTimeoutMs`. */
export function callTimeOf({ toolTimeoutMs, resetTimeoutOnProgress, maxTotalTimeoutMs }: ConnectionSettings): CallTime {
  if (!resetTimeoutOnProgress) return { timeoutMs: undefined, resetTimeoutOnProgress, maxTotalTimeoutMs };
  return {
    timeoutMs: toolTimeoutMs,
    resetTimeoutOnProgress,
    maxTotalTimeoutMs: maxTotalTimeoutMs ?? Math.max(MAX_TOTAL_MS, toolTimeoutMs ?? 0),
  };
}

/** The options of mcp-adapters among the settings. */
export function callOptionsOf(settings: ConnectionSettings): McpCallOptions & { readonly defaultToolTimeout?: number } {
  const { onProgress, useStandardContentBlocks, outputHandling, beforeToolCall, afterToolCall } = settings;
  const { toolTimeoutMs, resetTimeoutOnProgress } = settings;
  return {
    // LangChain makes an AbortSignal of it, which no progress can move. Then the facade has the time limit.
    ...(toolTimeoutMs !== undefined && !resetTimeoutOnProgress && { defaultToolTimeout: toolTimeoutMs }),
    ...(onProgress && { onProgress }),
    ...(useStandardContentBlocks !== undefined && { useStandardContentBlocks }),
    ...(outputHandling && { outputHandling }),
    ...(beforeToolCall && { beforeToolCall }),
    ...(afterToolCall && { afterToolCall }),
  };
}
