import type { IncomingMessage, ServerResponse } from 'node:http';
import { GRANT_JWT_BEARER, GRANT_JWT_DPOP } from '@credence/core';

type TokenEndpoint = (request: Request) => Promise<Response>;

/** A request of Express, its body parsed by `express.urlencoded()`. */
type FormRequest = IncomingMessage & { readonly body?: unknown };

/**
 * An `idJagTokenEndpoint` as a handler for Express: it answers the requests of its grants, and leaves the others to the
 * handlers after it. Goes after `express.urlencoded({ extended: false })`.
 */
export function expressIdJag(
  endpoint: TokenEndpoint,
): (request: FormRequest, response: ServerResponse, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    const parameters = formOf(request.body);
    if (parameters === undefined) {
      next(new TypeError('expressIdJag needs express.urlencoded() before it'));
      return;
    }
    if (!isOurs(parameters)) {
      next();
      return;
    }
    let answer: Response;
    try {
      const headers = new Headers();
      const { rawHeaders } = request;
      for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
        const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
        if (RELAYED.has(name.toLowerCase())) headers.append(name, value);
      }
      headers.set('content-type', 'application/x-www-form-urlencoded');
      // Where the request came in is the adapter's business; no check depends on it.
      answer = await endpoint(new Request('http://localhost/token', { method: 'POST', headers, body: parameters }));
      response.writeHead(answer.status, [...answer.headers].flat());
      response.end(await answer.text());
    } catch (error) {
      next(error);
    }
  };
}

/** What the endpoint, and a callback that authenticates clients, may look at. */
const RELAYED = new Set(['authorization', 'dpop', 'x-forwarded-client-cert', 'client-cert']);

/** As much of a Hono context as is needed. */
interface HonoContext {
  readonly req: { readonly raw: Request };
}

/**
 * An `idJagTokenEndpoint` as a middleware for Hono: it answers the requests of its grants, and leaves the others, unread,
 * to the handlers after it.
 */
export function honoIdJag(
  endpoint: TokenEndpoint,
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  return async ({ req }, next) => {
    const { raw } = req;
    if (raw.method === 'POST' && isOurs(new URLSearchParams(await head(raw.clone())))) return endpoint(raw);
    await next();
    return undefined;
  };
}

/** More than an honest token request has. */
const MAX_HEAD_BYTES = 64 * 1024;

async function head(request: Request): Promise<string> {
  if (request.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of request.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_HEAD_BYTES) break;
  }
  return text;
}

/** Whether any of possibly several values is one of the grants: the endpoint then refuses the repetition. */
function isOurs(parameters: URLSearchParams): boolean {
  return parameters.getAll('grant_type').some((type) => type === GRANT_JWT_BEARER || type === GRANT_JWT_DPOP);
}

/** As a body parser left it: values, lists of repeated ones, and nothing deeper. */
function formOf(body: unknown): URLSearchParams | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    for (const each of values) {
      // What an extended parser made of `a[b]=c` is no parameter of a token request.
      if (typeof each === 'string') parameters.append(name, each);
    }
  }
  return parameters;
}
