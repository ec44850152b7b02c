import type { IncomingMessage, ServerResponse } from 'node:http';
import { isPreflight, RUN_HEADER } from '@credence/protocol';
import type { AccessTokenInfo } from '../access-token/auth-info.ts';
import { type AccessTokenGateOptions, createGate, type GateOutcome, type GateRefusal } from './gate.ts';

/**
 * Creates a function that requires a valid access token of a Web-standard request. The created function resolves to the
 * content of the token, or to the Response to send instead. Use the gate in place of `requireBearerAuth` of MCP SDK v2; the
 * gate also accepts DPoP-bound tokens. The preflight of a browser has no token and is answered with 204, without the headers that
 * allow a page anything: see `browserAccess`.
 *
 * Throws a TypeError for invalid options.
 */
export function accessTokenGate(
  options: AccessTokenGateOptions,
): (request: Request) => Promise<AccessTokenInfo | Response> {
  return webGate(options, 'accessTokenGate');
}

function webGate(
  options: AccessTokenGateOptions,
  where: string,
): (request: Request) => Promise<AccessTokenInfo | Response> {
  const gate = createGate(options, where);
  return async ({ method, url, headers }) => {
    if (isPreflight({ method, requestedMethod: headers.get('access-control-request-method') })) {
      return new Response(null, { status: 204 });
    }
    const { pathname, search } = new URL(url);
    const outcome = await gate({
      method,
      target: `${pathname}${search}`,
      authorization: headers.get('authorization'),
      dpop: headers.get('dpop'),
      run: headers.get(RUN_HEADER),
    });
    return 'info' in outcome ? outcome.info : responseOf(outcome.refusal);
  };
}

function responseOf({ status, headers, body }: GateRefusal): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...headers, ...JSON_BODY } });
}

const JSON_BODY = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/** Middleware for Express. The middleware sets `request.auth`, from which MCP SDK v1 reads the caller, to an AccessTokenInfo. */
export type ExpressAccessToken = (
  request: IncomingMessage & { originalUrl?: string; auth?: unknown },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>;

/**
 * {@link accessTokenGate} as a middleware for Express. Use it in place of `requireBearerAuth` of MCP SDK v1. Throws a TypeError
 * for invalid options.
 *
 * @example
 * <!-- from examples/mcp-server-express.ts#mcp-server -->
 * ```ts
 * const metadata = protectedResourceMetadata({ resource, authorizationServers: [issuer] });
 * const verifier = accessTokenVerifier({
 *   issuer,
 *   resource,
 *   introspection: { clientId: 'mcp-server', clientSecret: serverSecret, cacheSeconds: 5 }, // or jwt: {}
 *   onRefused: (refusal) => refused.push(refusal), // { code, reason, remedy, clientId, ... }: for your log
 * });
 *
 * const app = express();
 * app.use(metadata.express); // every web page may read the metadata
 * app.use(browserAccess({ origins: ['https://app.example'] }).express); // the web pages that may call the server
 * app.all(
 *   '/mcp',
 *   expressAccessToken({ verifier, scope: 'issues:read', resourceMetadataUrl: metadata.url }),
 *   boundSessions().express, // a session belongs to the bot that opened it
 *   express.json({ limit: '4mb' }),
 *   toolScopes({
 *     tools: { whoami: ['issues:read'], close_all: ['issues:write'] },
 *     resourceMetadataUrl: metadata.url,
 *   }),
 *   (request, response) => serveMcp(request, response),
 * );
 * app.use(jsonRpcErrors());
 * ```
 */
export function expressAccessToken(options: AccessTokenGateOptions): ExpressAccessToken {
  const gate = createGate(options, 'expressAccessToken');
  return async (request, response, next) => {
    const { method = 'GET', url = '/', originalUrl, headers } = request;
    if (isPreflight({ method, requestedMethod: headers['access-control-request-method'] })) {
      response.writeHead(204).end();
      return;
    }
    // Several DPoP headers are joined by a comma, so that the proof is invalid (RFC 9449 section 4.3, check 1).
    const dpop = Array.isArray(headers['dpop']) ? headers['dpop'].join(', ') : headers['dpop'];
    let outcome: GateOutcome;
    try {
      const run = headers[RUN_HEADER];
      outcome = await gate({ method, target: originalUrl ?? url, authorization: headers.authorization, dpop, run });
    } catch (error) {
      next(error);
      return;
    }
    if ('info' in outcome) {
      request.auth = outcome.info;
      next();
      return;
    }
    const { status, headers: refusalHeaders, body } = outcome.refusal;
    response.writeHead(status, { ...refusalHeaders, ...JSON_BODY });
    response.end(JSON.stringify(body));
  };
}

/**
 * {@link accessTokenGate} as a middleware for Hono. A handler gets the caller by `c.get('auth')`. Throws a TypeError for
 * invalid options.
 */
export function honoAccessToken(
  options: AccessTokenGateOptions,
): (
  context: { readonly req: { readonly raw: Request }; set(key: 'auth', value: AccessTokenInfo): void },
  next: () => Promise<void>,
) => Promise<Response | undefined> {
  const gate = webGate(options, 'honoAccessToken');
  return async (context, next) => {
    const outcome = await gate(context.req.raw);
    if (outcome instanceof Response) return outcome;
    context.set('auth', outcome);
    await next();
    return undefined;
  };
}
