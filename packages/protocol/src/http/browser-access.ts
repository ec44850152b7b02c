import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopback } from '../net/address.ts';
import { parsedUrl } from '../text/parsed-url.ts';
import { quoted } from '../text/quoted.ts';

/** Which web pages may send requests to a server, and under which host names the server is reached. */
export interface BrowserAccessOptions {
  /**
   * The origins of web pages that may send requests, such as `https://app.example`. `'loopback'` allows the pages of this
   * machine, with any port, and `'*'` every page. A request of another page is answered with 403. Requests without an
   * `Origin` header, which no browser sends across origins, always pass. Default: no page.
   */
  readonly origins?: '*' | 'loopback' | readonly string[] | undefined;
  /**
   * The host names, without port, at which clients reach the server. A request for another host is answered with 403.
   * `'loopback'` protects a server on this machine against DNS rebinding: a page whose host name resolves to 127.0.0.1 sends
   * that name. Default: any.
   */
  readonly hosts?: 'loopback' | readonly string[] | undefined;
}

/** The parts of a request that decide whether a page may send it. */
export interface BrowserRequest {
  /** The HTTP method. */
  readonly method: string;
  /** The header `Origin` (RFC 6454). */
  readonly origin: string | null | undefined;
  /** The header `Host`. */
  readonly host: string | null | undefined;
  /** `Access-Control-Request-Method`, which only a preflight has. */
  readonly requestedMethod: string | null | undefined;
}

/** The result: the request is forbidden, or it is a preflight, or it goes on. `headers` belong to the response. */
export interface BrowserVerdict {
  readonly outcome: 'forbidden' | 'preflight' | 'passed';
  readonly headers: Readonly<Record<string, string>>;
}

/** The headers of requests to MCP servers and OAuth endpoints that a page may set. */
const REQUEST_HEADERS = [
  'Accept',
  'Authorization',
  'Content-Type',
  'DPoP',
  'Last-Event-ID',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Protocol-Version',
  'Mcp-Session-Id',
];
/** The headers of their responses that a page may read. */
const RESPONSE_HEADERS = ['DPoP-Nonce', 'Mcp-Protocol-Version', 'Mcp-Session-Id', 'Retry-After', 'WWW-Authenticate'];

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, HEAD, POST, DELETE, OPTIONS',
  'access-control-allow-headers': REQUEST_HEADERS.join(', '),
  'access-control-max-age': '3600',
};

/** Headers that let every page read a public document, such as metadata (RFC 9728 section 3.1, RFC 8414 section 3.1). */
export const PUBLIC_DOCUMENT_CORS: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': REQUEST_HEADERS.join(', '),
  'access-control-max-age': '3600',
};

/** Whether the request is the preflight of a browser (Fetch standard), which never has credentials. */
export function isPreflight({ method, requestedMethod }: Pick<BrowserRequest, 'method' | 'requestedMethod'>): boolean {
  return method === 'OPTIONS' && requestedMethod !== null && requestedMethod !== undefined;
}

/** Middleware that decides about the requests of browsers. */
export interface BrowserAccess {
  /** For Express, and any other server of `node:http`. Use it before every other handler. */
  readonly express: (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
  /** For Hono. Use it before every other handler. */
  readonly hono: (
    context: { readonly req: { readonly raw: Request }; readonly res: Response },
    next: () => Promise<void>,
  ) => Promise<Response | undefined>;
  /** For any other server: answers the request, or passes it to `serve`. */
  readonly fetch: (request: Request, serve: (request: Request) => Response | Promise<Response>) => Promise<Response>;
}

/** Throws a TypeError that begins with `where` for invalid options. `forbidden` is the body of the response 403. */
export function createBrowserAccess(where: string, options: BrowserAccessOptions, forbidden: object): BrowserAccess {
  const decide = browserRules(where, options);
  const responseHeaders = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  const body = JSON.stringify(forbidden);

  const answered = ({ outcome, headers }: BrowserVerdict): Response | undefined => {
    if (outcome === 'passed') return undefined;
    if (outcome === 'preflight') return new Response(null, { status: 204, headers });
    return new Response(body, { status: 403, headers: { ...responseHeaders, ...headers } });
  };
  const decideFetch = ({ method, url, headers }: Request): BrowserVerdict =>
    decide({
      method,
      origin: headers.get('origin'),
      host: headers.get('host') ?? parsedUrl(url)?.host,
      requestedMethod: headers.get('access-control-request-method'),
    });

  return {
    express({ method = 'GET', headers }, response, next) {
      const { origin, host, 'access-control-request-method': requestedMethod } = headers;
      const verdict = decide({ method, origin, host, requestedMethod });
      for (const [name, value] of Object.entries(verdict.headers)) response.setHeader(name, value);
      if (verdict.outcome === 'passed') {
        next();
        return;
      }
      if (verdict.outcome === 'preflight') {
        response.writeHead(204).end();
        return;
      }
      response.writeHead(403, responseHeaders).end(body);
    },
    async hono(context, next) {
      const verdict = decideFetch(context.req.raw);
      const answer = answered(verdict);
      if (answer !== undefined) return answer;
      await next();
      for (const [name, value] of Object.entries(verdict.headers)) context.res.headers.set(name, value);
      return undefined;
    },
    async fetch(request, serve) {
      const verdict = decideFetch(request);
      const answer = answered(verdict);
      if (answer !== undefined) return answer;
      const response = await serve(request);
      const headers = new Headers(response.headers);
      for (const [name, value] of Object.entries(verdict.headers)) headers.set(name, value);
      return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
    },
  };
}

/** Returns a function that decides about one request. Throws a TypeError that begins with `where` for invalid options. */
function browserRules(where: string, options: BrowserAccessOptions): (request: BrowserRequest) => BrowserVerdict {
  const { origins = [], hosts } = options;
  const allowedOrigins = origins === '*' || origins === 'loopback' ? origins : new Set(originsOf(where, origins));
  const allowedHosts = hosts === undefined || hosts === 'loopback' ? hosts : new Set(namesOf(where, hosts));

  const mayRead = (origin: string): boolean => {
    if (allowedOrigins === '*') return true;
    if (allowedOrigins !== 'loopback') return allowedOrigins.has(origin);
    const url = parsedUrl(origin);
    return url !== undefined && isLoopback(url.hostname);
  };
  const isServed = (host: string | null | undefined): boolean => {
    if (allowedHosts === undefined) return true;
    const name = host === null || host === undefined ? undefined : parsedUrl(`http://${host}`)?.hostname;
    if (name === undefined) return false;
    return allowedHosts === 'loopback' ? isLoopback(name) : allowedHosts.has(name);
  };

  return (request) => {
    const { origin } = request;
    if (!isServed(request.host)) return { outcome: 'forbidden', headers: {} };
    if (origin === null || origin === undefined) {
      return { outcome: isPreflight(request) ? 'preflight' : 'passed', headers: {} };
    }
    // The response depends on the origin unless every page may read it.
    const vary: Record<string, string> = allowedOrigins === '*' ? {} : { vary: 'Origin' };
    if (!mayRead(origin)) return { outcome: 'forbidden', headers: vary };
    const headers = {
      ...vary,
      'access-control-allow-origin': allowedOrigins === '*' ? '*' : origin,
      'access-control-expose-headers': RESPONSE_HEADERS.join(', '),
    };
    return isPreflight(request)
      ? { outcome: 'preflight', headers: { ...headers, ...PREFLIGHT_HEADERS } }
      : { outcome: 'passed', headers };
  };
}

function originsOf(where: string, origins: readonly string[]): readonly string[] {
  if (!Array.isArray(origins)) throw new TypeError(`${where}: origins is neither '*' nor 'loopback' nor a list`);
  const invalid: unknown = origins.find((origin) => parsedUrl(origin)?.origin !== origin);
  if (invalid !== undefined)
    throw new TypeError(`${where}: origins contains a value that is not an origin: ${quoted(invalid)}`);
  return origins;
}

function namesOf(where: string, hosts: readonly string[]): readonly string[] {
  if (!Array.isArray(hosts) || hosts.length === 0)
    throw new TypeError(`${where}: hosts is neither 'loopback' nor a list`);
  const invalid: unknown = hosts.find((host) => parsedUrl(`http://${String(host)}`)?.host !== host);
  if (invalid !== undefined)
    throw new TypeError(`${where}: hosts contains a value that is not a host name: ${quoted(invalid)}`);
  return hosts;
}
