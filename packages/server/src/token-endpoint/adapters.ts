import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GRANT_JWT_BEARER, GRANT_JWT_DPOP } from '@credence/core';
import { isForm } from './parameters.ts';

type TokenEndpoint = (request: Request) => Promise<Response>;

/** More than an honest token request has: where a longer one hides its `grant_type` behind this, it is nobody's here. */
const MAX_HEAD_BYTES = 64 * 1024;

/** A request of Express. */
type ExpressRequest = IncomingMessage & { readonly body?: unknown };

/**
 * An `idJagTokenEndpoint` as a handler for Express: it answers the forms whose `grant_type` is one of its own, and leaves
 * everything else, with its body unread, to the handlers after it. Goes before the body parsers; behind
 * `express.urlencoded()` it takes what that has parsed, and never sees what that has refused.
 */
export function expressIdJag(
  endpoint: TokenEndpoint,
): (request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void) => Promise<void> {
  return async (request, response, next) => {
    let answer: Response | undefined;
    let body = '';
    try {
      answer = await answered(request, endpoint);
      body = (await answer?.text()) ?? '';
    } catch (error) {
      next(error);
      return;
    }
    if (answer === undefined) {
      next();
      return;
    }
    response.writeHead(answer.status, [...answer.headers].flat());
    response.end(body);
    // What the endpoint did not want to read must go by before the connection's next request.
    request.resume();
  };
}

async function answered(request: ExpressRequest, endpoint: TokenEndpoint): Promise<Response | undefined> {
  if (request.method !== 'POST' || !isForm(request.headers['content-type'])) return undefined;
  const isUnread = request.readable;
  const form = isUnread ? new URLSearchParams(await peek(request)) : parsedForm(request.body);
  if (!isOurs(form)) return undefined;
  return endpoint(
    // Where the request came in is the adapter's business; no check depends on it.
    new Request('http://localhost/token', {
      method: 'POST',
      headers: relayed(request.rawHeaders),
      // Not destroyed by a reader that has had enough: the answer goes through the same socket.
      body: isUnread ? ReadableStream.from(request.iterator({ destroyOnReturn: false })) : form,
      duplex: 'half',
    }),
  );
}

/** How the body of a request starts. It is put back, for whoever reads the request next. */
async function peek(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= MAX_HEAD_BYTES) {
    const chunk = request.read() as Uint8Array | null;
    if (chunk !== null) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
    } else if (request.complete) {
      break;
    } else {
      await once(request, 'readable');
    }
  }
  // In the turn of the last read(): the stream would come to its end in the next one.
  const head = Buffer.concat(chunks);
  if (bytes > 0) request.unshift(head);
  return head.toString();
}

/** About the connection, or about the form of a body that is not what comes along any more. */
const NOT_RELAYED = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function relayed(rawHeaders: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (!NOT_RELAYED.has(name.toLowerCase())) headers.append(name, value);
  }
  return headers;
}

/** As a body parser left it: values, lists of repeated ones, and nothing deeper. */
function parsedForm(body: unknown): URLSearchParams {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array) {
    throw new TypeError('expressIdJag: the body was read before, and not by express.urlencoded()');
  }
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

/** As much of a Hono context as is needed. */
interface HonoContext {
  readonly req: { readonly raw: Request; formData(): Promise<FormData> };
}

/**
 * An `idJagTokenEndpoint` as a middleware for Hono: it answers the forms whose `grant_type` is one of its own, and leaves
 * everything else, with its body unread, to the handlers after it. Where a middleware before it has read the body through
 * `context.req`, it takes what Hono kept of it.
 */
export function honoIdJag(
  endpoint: TokenEndpoint,
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  return async ({ req }, next) => {
    const { raw } = req;
    if (raw.method === 'POST' && isForm(raw.headers.get('content-type'))) {
      const form = raw.bodyUsed ? await keptForm(req) : new URLSearchParams(await head(raw.clone()));
      if (isOurs(form)) return endpoint(raw.bodyUsed ? withBody(raw, form) : raw);
    }
    await next();
    return undefined;
  };
}

async function keptForm(request: HonoContext['req']): Promise<URLSearchParams> {
  let form: FormData;
  try {
    form = await request.formData();
  } catch (cause) {
    throw new TypeError('honoIdJag: the body was read before, and not through context.req', { cause });
  }
  const parameters = new URLSearchParams();
  for (const [name, value] of form) if (typeof value === 'string') parameters.append(name, value);
  return parameters;
}

function withBody(request: Request, body: URLSearchParams): Request {
  const headers = new Headers(request.headers);
  headers.delete('content-length');
  return new Request(request.url, { method: 'POST', headers, body });
}

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
