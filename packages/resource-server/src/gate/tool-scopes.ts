import type { IncomingMessage, ServerResponse } from 'node:http';
import { challenge } from './challenge.ts';

/** Scopes that each tool needs, by tool name. */
export type ToolScopeTable = Readonly<Record<string, readonly string[]>>;

/** Which scopes the tools of a server need. */
export interface ToolScopesOptions {
  /** The scopes that each tool needs, by tool name. */
  readonly tools: ToolScopeTable;
  /**
   * What a tool that is not in the table needs. Default: every scope of the table, so that a tool someone forgot to
   * list is not open to all. `[]` opens them.
   */
  readonly otherwise?: readonly string[] | undefined;
  /** Sent in challenges as `resource_metadata`. */
  readonly resourceMetadataUrl?: string | undefined;
}

const NOT_JSON = {
  jsonrpc: '2.0',
  error: { code: -32_000, message: 'Unsupported Media Type: Content-Type must be application/json' },
  id: null,
};

/** Express-compatible. */
export type ToolScopesMiddleware = (
  request: IncomingMessage & { auth?: { scopes: readonly string[] } | undefined; body?: unknown },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** The scopes that a JSON-RPC message (parsed), or any of a batch, needs for the tools it calls. */
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

/** Those of the required scopes that the caller's token does not have; empty where the message may go on. */
export function missingScopes(
  message: unknown,
  auth: { readonly scopes: readonly string[] } | undefined,
  options: Pick<ToolScopesOptions, 'tools' | 'otherwise'>,
): string[] {
  return requiredScopes(message, options).filter((scope) => auth?.scopes.includes(scope) !== true);
}

/**
 * Answers 403 `insufficient_scope` to a `tools/call` whose token lacks its tool's scopes (RFC 6750 section 3.1), for
 * servers built on MCP SDK v1, which has no such thing. Goes after `expressAccessToken` and `express.json()`; what another
 * parser left is an error. Elsewhere than in Express: {@link missingScopes}.
 */
export function toolScopes(options: ToolScopesOptions): ToolScopesMiddleware {
  return (request, response, next) => {
    if (request.method !== 'POST') {
      next();
      return;
    }
    // A parser passes over what is not JSON, and that of Express 4 leaves an empty object.
    if (!/^application\/json\s*(?:;|$)/iu.test(request.headers['content-type'] ?? '')) {
      response.writeHead(415, { 'content-type': 'application/json' });
      response.end(JSON.stringify(NOT_JSON));
      return;
    }
    // What other parsers leave could be a call that nobody has looked at.
    if (typeof request.body !== 'object' || request.body === null || request.body instanceof Uint8Array) {
      next(new TypeError('toolScopes needs a JSON body parser before it'));
      return;
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

/** The tool a message calls; null for a call that names none; undefined for any other message. */
function calledTool(message: unknown): string | null | undefined {
  if (typeof message !== 'object' || message === null || !('method' in message)) return undefined;
  if (message.method !== 'tools/call') return undefined;
  const params = 'params' in message ? message.params : undefined;
  if (typeof params !== 'object' || params === null || !('name' in params)) return null;
  return typeof params.name === 'string' ? params.name : null;
}
