import type { IncomingMessage, ServerResponse } from 'node:http';
import { cleanText } from '@credence/protocol';
import { challenge } from './challenge.ts';
import { callerInRecord, type ToolCallRecord } from './tool-call-record.ts';

/** Scopes that each tool needs, by tool name. */
export type ToolScopeTable = Readonly<Record<string, readonly string[]>>;

/** Which scopes each tool of an MCP server needs. */
export interface ToolScopesOptions {
  /** The scopes that each tool needs, by tool name. */
  readonly tools: ToolScopeTable;
  /**
   * The scopes that a tool needs that is not in the table. Default: every scope of the table, so that a tool that is
   * missing by mistake is not callable without scopes. `[]` lets every caller use such a tool.
   */
  readonly otherwise?: readonly string[] | undefined;
  /** Sent in challenges as `resource_metadata`. */
  readonly resourceMetadataUrl?: string | undefined;
  /**
   * Called with a record of each tool call, before the MCP server gets it: who is the human, who is the agent, and which run. An error that it
   * throws is passed to the error handler of Express, and the call is not made. Outside of Express, use `toolCallRecords`.
   */
  readonly audit?: ((record: ToolCallRecord) => void) | undefined;
  /** The current time, for records. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const NOT_JSON = {
  jsonrpc: '2.0',
  error: { code: -32_000, message: 'Unsupported Media Type: Content-Type must be application/json' },
  id: null,
};

/** Middleware for Express. */
export type ToolScopesMiddleware = (
  request: IncomingMessage & { auth?: { scopes: readonly string[] } | undefined; body?: unknown },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** The scopes that a parsed JSON-RPC message, or all messages of a batch together, need for the tools they call. */
export function requiredScopes(message: unknown, options: Pick<ToolScopesOptions, 'tools' | 'otherwise'>): string[] {
  const messages: unknown[] = Array.isArray(message) ? message : [message];
  const otherwise = options.otherwise ?? Object.values(options.tools).flat();
  const scopes = messages.flatMap((each) => {
    const tool = calledTool(each);
    if (tool === undefined) return [];
    return tool !== null && Object.hasOwn(options.tools, tool) ? (options.tools[tool] ?? otherwise) : otherwise;
  });
  return [...new Set(scopes)];
}

/** The required scopes that the caller's access token does not have; empty if the message is allowed. */
export function missingScopes(
  message: unknown,
  auth: { readonly scopes: readonly string[] } | undefined,
  options: Pick<ToolScopesOptions, 'tools' | 'otherwise'>,
): string[] {
  return requiredScopes(message, options).filter((scope) => auth?.scopes.includes(scope) !== true);
}

/**
 * A record of each tool call in a parsed JSON-RPC message or batch. A batch is refused as a whole, so all of its records have the same outcome.
 * `auth` is the verified access token.
 */
export function toolCallRecords(
  message: unknown,
  auth: { readonly scopes: readonly string[] } | undefined,
  options: Pick<ToolScopesOptions, 'tools' | 'otherwise' | 'now'>,
): ToolCallRecord[] {
  const messages: unknown[] = Array.isArray(message) ? message : [message];
  const called = messages.map((each) => calledTool(each)).filter((tool) => tool !== undefined);
  if (called.length === 0) return [];
  const missing = missingScopes(message, auth, options);
  const time = options.now?.() ?? new Date();
  const caller = callerInRecord(auth);
  const outcome = missing.length === 0 ? { granted: true } : { granted: false, missingScopes: missing };
  return called.map((tool) => ({
    time,
    ...(tool !== null && { tool: cleanText(tool, { max: 128 }) }),
    ...outcome,
    ...caller,
  }));
}

/**
 * Middleware for Express that responds with 403 `insufficient_scope` to a `tools/call` if the access token lacks a scope of
 * the tool (RFC 6750 section 3.1). MCP SDK v1 has no such check. Use it after `expressAccessToken` and `express.json()`: a
 * body that is not parsed JSON is an error. Outside of Express, use {@link missingScopes}.
 */
export function toolScopes(options: ToolScopesOptions): ToolScopesMiddleware {
  return (request, response, next) => {
    if (request.method !== 'POST') {
      next();
      return;
    }
    // express.json() skips a body that is not JSON, and in Express 4 it then sets `body` to an empty object.
    if (!/^application\/json\s*(?:;|$)/iu.test(request.headers['content-type'] ?? '')) {
      response.writeHead(415, { 'content-type': 'application/json' });
      response.end(JSON.stringify(NOT_JSON));
      return;
    }
    // A text or a buffer from another parser could contain a tool call that was not checked.
    if (typeof request.body !== 'object' || request.body === null || request.body instanceof Uint8Array) {
      next(new TypeError('toolScopes: no parsed JSON body; use express.json() before it'));
      return;
    }
    if (options.audit !== undefined) {
      try {
        for (const record of toolCallRecords(request.body, request.auth, options)) options.audit(record);
      } catch (error) {
        next(error);
        return;
      }
    }
    if (missingScopes(request.body, request.auth, options).length === 0) {
      next();
      return;
    }
    const description = 'The token lacks a scope that this tool needs';
    const insufficient = challenge('Bearer', {
      error: 'insufficient_scope',
      error_description: description,
      scope: requiredScopes(request.body, options).join(' '),
      resource_metadata: options.resourceMetadataUrl,
    });
    response.writeHead(403, { 'content-type': 'application/json', 'www-authenticate': insufficient });
    response.end(JSON.stringify({ error: 'insufficient_scope', error_description: description }));
  };
}

/** The name of the tool that a message calls; null for a call without a name; undefined for any other message. */
function calledTool(message: unknown): string | null | undefined {
  if (typeof message !== 'object' || message === null || !('method' in message)) return undefined;
  if (message.method !== 'tools/call') return undefined;
  const params = 'params' in message ? message.params : undefined;
  if (typeof params !== 'object' || params === null || !('name' in params)) return null;
  return typeof params.name === 'string' ? params.name : null;
}
