import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Awaitable, checkNumber } from '@credence/protocol';
import type { AccessTokenInfo } from '../access-token/auth-info.ts';
import { beforeHead, SESSION_HEADER } from './held-response.ts';
import { hashOf, principalOf } from './principal.ts';
import { memorySessionStore, type SessionStore } from './session-store.ts';

/** How many sessions are remembered, and where. */
export interface BoundSessionsOptions {
  /** The largest number of sessions that are remembered in this process. Default: 100 000. Ignored if `store` is set. */
  readonly maxSessions?: number | undefined;
  /**
   * The largest number of sessions of one principal. A new session then ends the session of this principal that was used least
   * recently. Default: 1000. Ignored if `store` is set.
   */
  readonly maxSessionsPerPrincipal?: number | undefined;
  /** Remembers the sessions, for processes that share their sessions. Default: the memory of this process. */
  readonly store?: SessionStore | undefined;
  /**
   * Returns the name of the principal of a request, from its verified access token. Required if another verifier than
   * `accessTokenVerifier` verified the token. Default: issuer, account, client and tenants of the token.
   */
  readonly principal?: ((auth: unknown) => string) | undefined;
}

/** The parts of a context of Hono that the middleware uses. */
export interface HonoContext {
  /** The request of Hono; `raw` is the Web request. */
  readonly req: { readonly raw: Request };
  /** The verified access token, which `honoAccessToken` has set. */
  get(key: 'auth'): AccessTokenInfo;
  /** The response that the next handler made. */
  get res(): Response;
  set res(response: Response | undefined);
}

/** Middleware that binds each MCP session to the principal that opened it. */
export interface BoundSessions {
  /** For Express, after `expressAccessToken` and before the transport of the SDK. */
  readonly express: (
    request: IncomingMessage & { auth?: unknown },
    response: ServerResponse,
    next: (error?: unknown) => void,
  ) => Promise<void>;
  /** For Hono, after `honoAccessToken`. */
  readonly hono: (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;
  /** For any other server: passes the request to `serve`, or returns the Response to send instead. */
  readonly fetch: (
    request: Request,
    auth: AccessTokenInfo,
    serve: (request: Request) => Response | Promise<Response>,
  ) => Promise<Response>;
}

const WHERE = 'boundSessions';

/** The JSON-RPC error of the MCP SDKs for a session that does not exist, after which a client opens a new one. */
const NOT_FOUND = failure(404, -32_001, 'Session not found');
const UNAVAILABLE = failure(503, -32_603, 'The session cannot be looked up at the moment');

/**
 * Binds each MCP session to the principal that opened it. The `Mcp-Session-Id` of one principal in a request with the token
 * of another is answered with 404, the same as an unknown session, and so are GET and DELETE. The principal is the issuer,
 * the account, the client and the tenant of the access token, so a renewed token continues the session.
 *
 * A session is bound when the response to a request without a session names it, and forgotten when DELETE ends it, or when
 * the server answers with 404. Requests without a session id pass. The example of `expressAccessToken`
 * shows where it belongs. The deprecated transport with SSE, whose session id is in the URL, is not covered.
 *
 * Throws a TypeError for invalid options.
 */
export function boundSessions(options: BoundSessionsOptions = {}): BoundSessions {
  const { maxSessions = 100_000, maxSessionsPerPrincipal = 1000 } = options;
  checkNumber(WHERE, 'maxSessions', maxSessions, { min: 1, integer: true });
  checkNumber(WHERE, 'maxSessionsPerPrincipal', maxSessionsPerPrincipal, { min: 1, integer: true });
  checkFunctions(options);
  const store = options.store ?? memorySessionStore({ maxSessions, maxSessionsPerPrincipal });
  const principalName = options.principal;
  const principalFor = (auth: unknown) =>
    principalName === undefined ? principalOf(auth) : hashOf([principalName(auth)]);

  /** Whether the principal may use the session. True without a session. */
  const mayUse = async (sessionId: string | undefined, principal: string): Promise<boolean> =>
    sessionId === undefined || (await store.get(sessionId)) === principal;

  /** Binds or forgets a session after the server has decided the response. */
  const afterHead = (
    request: { readonly method: string | undefined; readonly sessionId: string | undefined },
    principal: string,
    status: number,
    opened: string | undefined,
  ): Promise<void> | undefined => {
    const { method, sessionId } = request;
    let change: Awaitable<void>;
    if (sessionId === undefined) {
      if (opened === undefined || status >= 400) return undefined;
      change = store.set(opened, principal);
    } else {
      if (status !== 404 && (method !== 'DELETE' || status >= 400)) return undefined;
      change = store.delete(sessionId);
    }
    return isPromise(change) ? change : undefined;
  };

  const serveBound: BoundSessions['fetch'] = async (request, auth, serve) => {
    const principal = principalFor(auth);
    const sessionId = request.headers.get(SESSION_HEADER) ?? undefined;
    try {
      if (!(await mayUse(sessionId, principal))) return responseOf(NOT_FOUND);
    } catch {
      return responseOf(UNAVAILABLE);
    }
    const response = await serve(request);
    const opened = response.headers.get(SESSION_HEADER) ?? undefined;
    try {
      await afterHead({ method: request.method, sessionId }, principal, response.status, opened);
    } catch {
      await response.body?.cancel();
      return responseOf(UNAVAILABLE);
    }
    return response;
  };

  return {
    fetch: serveBound,
    async hono(context, next) {
      let isServed = false;
      const response = await serveBound(context.req.raw, context.get('auth'), async () => {
        isServed = true;
        await next();
        return context.res;
      });
      if (!isServed) return response;
      if (response !== context.res) {
        // Without this, Hono adds the headers of the old response to the new one.
        context.res = undefined;
        context.res = response;
      }
      return undefined;
    },
    async express(request, response, next) {
      const { method, headers } = request;
      const sent = headers[SESSION_HEADER];
      const sessionId = Array.isArray(sent) ? sent.join(', ') : sent;
      let principal: string;
      try {
        principal = principalFor(request.auth);
      } catch (error) {
        next(error);
        return;
      }
      try {
        if (!(await mayUse(sessionId, principal))) {
          send(response, NOT_FOUND);
          return;
        }
      } catch {
        send(response, UNAVAILABLE);
        return;
      }
      beforeHead(
        response,
        (status, opened) => afterHead({ method, sessionId }, principal, status, opened),
        () => send(response, UNAVAILABLE),
      );
      next();
    },
  };
}

function isPromise(value: Awaitable<void>): value is Promise<void> {
  return typeof value === 'object';
}

function checkFunctions({ store, principal }: BoundSessionsOptions): void {
  if (principal !== undefined && typeof principal !== 'function') {
    throw new TypeError(`${WHERE}: principal is not a function`);
  }
  if (store === undefined) return;
  const missing = (['get', 'set', 'delete'] as const).find((name) => typeof store?.[name] !== 'function');
  if (missing !== undefined) throw new TypeError(`${WHERE}: store has no function ${missing}`);
}

interface Failure {
  readonly status: number;
  readonly body: string;
}

function failure(status: number, code: number, message: string): Failure {
  return { status, body: JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }) };
}

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

function responseOf({ status, body }: Failure): Response {
  return new Response(body, { status, headers: HEADERS });
}

function send(response: ServerResponse, { status, body }: Failure): void {
  response.writeHead(status, HEADERS);
  response.end(body);
}
