import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { closeServer, listenOnLoopback, readBody } from '../loopback.ts';
import type { Behaviour, FixtureOptions, McpFixture, RecordedRequest, StatusCounts } from './fixture.ts';
import { type JournalEntry, journalEntries } from './journal.ts';
import type { TokenInfo } from './tokens.ts';
import { TOOL_SCOPES } from './tools.ts';

/** A request with a valid token and a parsed body. */
export interface Exchange {
  readonly request: IncomingMessage & { method: string; url: string; auth: AuthInfo };
  readonly response: ServerResponse;
  readonly body: unknown;
  readonly url: URL;
}

/** The members of `AuthInfo` that both SDKs have. */
export interface AuthInfo {
  token: string;
  clientId: string;
  scopes: string[];
  expiresAt: number;
  resourceMetadataUrl: string;
}

export interface FrontSpec {
  readonly path: string;
  /** Other paths of the endpoint that need a token too (the message path of SSE). */
  readonly otherPaths?: readonly string[];
  /** False if the SDK of the server answers 403 itself. */
  readonly checksToolScopes: boolean;
  readonly serve: (exchange: Exchange) => Promise<void>;
}

const MOVED_PATH = '/moved/mcp';

function bearerOf(request: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Calls `listener` when the status is sent. An SSE answer can stay open long after that. */
function onStatus(response: ServerResponse, listener: (status: number) => void): void {
  // oxlint-disable-next-line typescript/unbound-method -- the proxy passes `this` on
  response.writeHead = new Proxy(response.writeHead, {
    apply(target, self, args: Parameters<ServerResponse['writeHead']>) {
      listener(args[0]);
      return Reflect.apply(target, self, args);
    },
  });
}

/**
 * The HTTP server in front of an MCP endpoint of either SDK. It serves protected resource metadata (RFC 9728), checks bearer
 * tokens (RFC 6750), counts and records requests, and misbehaves as `behaviour` says.
 */
export async function startFront(options: FixtureOptions, spec: FrontSpec): Promise<McpFixture> {
  const { verify, ...initial } = options;
  const behaviour: Behaviour = {
    latencyMs: 0,
    alwaysUnauthorized: false,
    issuers: [],
    scopesSupported: undefined,
    resource: undefined,
    unauthorizedScope: undefined,
    insufficientScope: undefined,
    ...initial,
  };
  const requests: RecordedRequest[] = [];
  const journal: JournalEntry[] = [];
  const counts = new Map<string, StatusCounts>();
  const redirects: { status: number; location: string }[] = [];
  const endpointPaths = new Set([spec.path, MOVED_PATH, ...(spec.otherPaths ?? [])]);
  const metadataPath = `/.well-known/oauth-protected-resource${spec.path}`;
  const server: Server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: 'fixture_failed', error_description: String(error) });
    });
  });
  const origin = await listenOnLoopback(server);

  function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  }

  function refuse(response: ServerResponse, status: 401 | 403, error: string | undefined, scope: string | undefined) {
    const parameters: string[] = [];
    if (error !== undefined) parameters.push(`error="${error}"`);
    if (scope !== undefined) parameters.push(`scope="${scope}"`);
    parameters.push(`resource_metadata="${origin}${metadataPath}"`);
    sendJson(
      response,
      status,
      { error: error ?? 'invalid_token' },
      { 'www-authenticate': `Bearer ${parameters.join(', ')}` },
    );
  }

  function countAnswer(method: string, status: number): void {
    const row = counts.get(method) ?? { 200: 0, 401: 0, 403: 0 };
    counts.set(method, row);
    if (status === 401 || status === 403) row[status] += 1;
    else if (status >= 200 && status < 300) row[200] += 1;
  }

  function missingScope(entries: readonly JournalEntry[], token: TokenInfo): string | undefined {
    if (!spec.checksToolScopes) return undefined;
    for (const { tool } of entries) {
      const needed = Object.entries(TOOL_SCOPES).find(([name]) => name === tool)?.[1];
      if (needed !== undefined && !token.scopes.includes(needed)) return needed;
    }
    return undefined;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin);
    const httpMethod = request.method ?? 'GET';
    const recorded: RecordedRequest = {
      method: httpMethod,
      path: url.pathname + url.search,
      headers: request.headers,
      status: undefined,
    };
    requests.push(recorded);
    onStatus(response, (status) => {
      recorded.status = status;
    });
    const body = httpMethod === 'POST' ? parse(await readBody(request)) : undefined;
    if (behaviour.latencyMs > 0) {
      // A test can fake this timer, and the timer does not keep the process running after the server is closed.
      await new Promise<void>((resolve) => setTimeout(resolve, behaviour.latencyMs).unref());
    }
    if (url.pathname === metadataPath && httpMethod === 'GET') {
      sendJson(response, 200, {
        resource: behaviour.resource ?? origin + spec.path,
        authorization_servers: behaviour.issuers,
        bearer_methods_supported: ['header'],
        ...(behaviour.scopesSupported && { scopes_supported: behaviour.scopesSupported }),
      });
      return;
    }
    if (!endpointPaths.has(url.pathname)) {
      sendJson(response, 404, { error: 'not_found' });
      return;
    }
    const token = bearerOf(request);
    const entries = journalEntries(body, request.headers, token, url.pathname);
    journal.push(...entries);
    onStatus(response, (status) => {
      for (const entry of entries) entry.status = status;
      for (const method of httpMethod === 'POST' ? entries.map((entry) => entry.method) : [httpMethod]) {
        countAnswer(method, status);
      }
    });
    const redirect = redirects.shift();
    if (redirect) {
      response.writeHead(redirect.status, { location: redirect.location }).end();
      return;
    }
    const info = token === undefined || behaviour.alwaysUnauthorized ? undefined : await verify(token);
    if (token === undefined || info === undefined) {
      // RFC 6750 section 3.1: the answer to a request without credentials has no error code.
      refuse(response, 401, token === undefined ? undefined : 'invalid_token', behaviour.unauthorizedScope);
      return;
    }
    const missing = missingScope(entries, info);
    if (missing !== undefined) {
      refuse(response, 403, 'insufficient_scope', behaviour.insufficientScope ?? missing);
      return;
    }
    const auth: AuthInfo = {
      token,
      clientId: info.clientId,
      scopes: [...info.scopes],
      expiresAt: Math.floor(Date.now() / 1000) + 3600,
      resourceMetadataUrl: origin + metadataPath,
    };
    const authenticated = Object.assign(request, { method: httpMethod, url: request.url ?? '/', auth });
    await spec.serve({ request: authenticated, response, body, url });
  }

  return {
    url: origin + spec.path,
    origin,
    behaviour,
    requests,
    journal,
    movedPath: MOVED_PATH,
    count: (method) => ({ 200: 0, 401: 0, 403: 0, ...counts.get(method) }),
    total() {
      const sum: StatusCounts = { 200: 0, 401: 0, 403: 0 };
      for (const row of counts.values()) {
        sum[200] += row[200];
        sum[401] += row[401];
        sum[403] += row[403];
      }
      return sum;
    },
    redirectOnce(redirect) {
      redirects.push(redirect);
    },
    async close() {
      await closeServer(server);
    },
  };
}
