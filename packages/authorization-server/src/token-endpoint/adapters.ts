import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GRANT_JWT_BEARER, GRANT_JWT_DPOP } from '@credence/protocol';
import { isForm } from './parameters.ts';

/** How much of a body is searched for `grant_type`. Token requests are smaller. A later `grant_type` is not found. */
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * An `idJagTokenEndpoint` as a middleware for Express. The middleware handles forms whose `grant_type` is for ID-JAGs, and
 * passes every other request with its body unread to the next handler.
 *
 * Use it before the body parsers. After a body parser, it reads the form from `request.body`. A request that the parser
 * refused does not reach it. If the parser read the body and did not set `request.body`, the request is passed to the next
 * handler.
 *
 * Calls `next` with the error if the client disconnects while it sends the body, or if `endpoint` rejects.
 */
export function expressIdJag(
  endpoint: (request: Request) => Promise<Response>,
): (
  request: IncomingMessage & { readonly body?: unknown },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void> {
  return async (request, response, next) => {
    let result: Response | undefined;
    let body = '';
    try {
      result = await handleIfIdJag(request, endpoint);
      body = (await result?.text()) ?? '';
    } catch (error) {
      next(error);
      return;
    }
    if (result === undefined) {
      next();
      return;
    }
    response.writeHead(result.status, [...result.headers].flat());
    response.end(body);
    // Discards the rest of the body, so that the next request on the connection can be read.
    request.resume();
  };
}

async function handleIfIdJag(
  request: IncomingMessage & { readonly body?: unknown },
  endpoint: (request: Request) => Promise<Response>,
): Promise<Response | undefined> {
  if (request.method !== 'POST' || !isForm(request.headers['content-type'])) return undefined;
  const isUnread = request.readable;
  const form = isUnread ? new URLSearchParams(await peek(request)) : parsedForm(request.body);
  if (form === undefined || !isIdJagGrant(form)) return undefined;
  return endpoint(
    // The URL is a placeholder: the endpoint does not use it.
    new Request('http://localhost/token', {
      method: 'POST',
      headers: forwardedHeaders(request),
      // If the endpoint stops reading early, the request must not be destroyed: the response uses the same socket.
      body: isUnread ? ReadableStream.from(request.iterator({ destroyOnReturn: false })) : form,
      duplex: 'half',
    }),
  );
}

/** Reads the first bytes of a request's body, and puts them back into the stream for the next reader. */
async function peek(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isComplete = request.complete;
  while (bytes <= MAX_HEAD_BYTES) {
    const chunk = request.read() as Uint8Array | null;
    if (chunk !== null) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      isComplete = request.complete;
    } else if (isComplete) {
      break;
    } else {
      await progress(request);
      // The stream emits one of these events when there is data, and again at its end.
      isComplete = true;
    }
  }
  // Synchronously after the last read(): the stream ends in the next turn of the event loop, and unshift() fails then.
  const head = Buffer.concat(chunks);
  if (bytes > 0) request.unshift(head);
  return head.subarray(0, MAX_HEAD_BYTES).toString();
}

/** Waits for data or the end of the body. Rejects if the client disconnects. */
async function progress(request: IncomingMessage): Promise<void> {
  const listening = new AbortController();
  const { signal } = listening;
  try {
    await Promise.race(['readable', 'end', 'close'].map((event) => once(request, event, { signal })));
  } finally {
    listening.abort();
  }
}

/** Headers that describe the connection, or the encoding of the original body. These headers are not passed on. */
const NOT_FORWARDED = new Set([
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

function forwardedHeaders({ rawHeaders, headers }: IncomingMessage): Headers {
  const forwarded = new Headers();
  const append = (name: string, value: string) => {
    // Names that begin with a colon, such as `:method`, are pseudo-headers of HTTP/2.
    if (!name.startsWith(':') && !NOT_FORWARDED.has(name.toLowerCase())) forwarded.append(name, value);
  };
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  if (rawHeaders.length > 0) return forwarded;
  // A request without rawHeaders was not read from a connection. Adapters for serverless functions create such requests.
  for (const [name, value = []] of Object.entries(headers)) for (const each of [value].flat()) append(name, each);
  return forwarded;
}

/**
 * The form that a body parser stored in `request.body`: a string, a buffer, or an object of strings and lists of strings.
 * Undefined if no parser did.
 */
function parsedForm(body: unknown): URLSearchParams | undefined {
  if (typeof body === 'string') return new URLSearchParams(body);
  if (body instanceof Uint8Array) return new URLSearchParams(Buffer.from(body).toString());
  if (typeof body !== 'object' || body === null) return undefined;
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    const values: unknown[] = Array.isArray(value) ? value : [value];
    for (const each of values) {
      // An extended parser makes a nested object of `a[b]=c`, which is not a parameter of a token request.
      if (typeof each === 'string') parameters.append(name, each);
    }
  }
  return parameters;
}

/**
 * An `idJagTokenEndpoint` as a middleware for Hono. The middleware handles forms whose `grant_type` is for ID-JAGs, and
 * passes every other request with its body unread to the next handler. If an earlier middleware read the body through
 * `context.req`, it uses the form that Hono cached. If the body was read in another way, the request is passed to the next
 * handler. Rejects if the client disconnects while it sends the body, or if `endpoint` rejects.
 */
export function honoIdJag(
  endpoint: (request: Request) => Promise<Response>,
): (
  context: { readonly req: { readonly raw: Request; formData(): Promise<FormData> } },
  next: () => Promise<void>,
) => Promise<Response | undefined> {
  return async ({ req }, next) => {
    const { raw } = req;
    if (raw.method === 'POST' && isForm(raw.headers.get('content-type'))) {
      const form = raw.bodyUsed ? await cachedForm(req) : new URLSearchParams(await head(raw.clone()));
      if (form !== undefined && isIdJagGrant(form)) return endpoint(raw.bodyUsed ? withBody(raw, form) : raw);
    }
    await next();
    return undefined;
  };
}

async function cachedForm(request: { formData(): Promise<FormData> }): Promise<URLSearchParams | undefined> {
  let form: FormData;
  try {
    form = await request.formData();
  } catch {
    return undefined;
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

/** The first bytes of a request's body as text. */
async function head({ body }: Request): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (text.length <= MAX_HEAD_BYTES) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  // Not awaited: the cancellation of a clone resolves only when the original request is also read or cancelled.
  reader.cancel().catch(() => undefined);
  return text.slice(0, MAX_HEAD_BYTES);
}

/** Whether a value of `grant_type` is a grant for ID-JAGs. If it is repeated, the endpoint refuses the request. */
function isIdJagGrant(parameters: URLSearchParams): boolean {
  return parameters.getAll('grant_type').some((type) => type === GRANT_JWT_BEARER || type === GRANT_JWT_DPOP);
}
