import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GRANT_JWT_BEARER, GRANT_JWT_DPOP } from '@credence/protocol';
import { isForm } from './parameters.ts';

/** More than an honest token request has: where a longer one hides its `grant_type` behind this, it is nobody's here. */
const MAX_HEAD_BYTES = 64 * 1024;

/**
 * An `idJagTokenEndpoint` as a handler for Express: it answers the forms whose `grant_type` is one of its own, and leaves
 * everything else, with its body unread, to the handlers after it. Goes before the body parsers: behind one it takes what
 * that has left in `request.body`, never sees what that has refused, and leaves a body that was read and not kept to the
 * others, whatever grant it is of.
 *
 * Gives `next` the error where the client goes away while it sends, or `endpoint` rejects.
 */
export function expressIdJag(
  endpoint: (request: Request) => Promise<Response>,
): (
  request: IncomingMessage & { readonly body?: unknown },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void> {
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

async function answered(
  request: IncomingMessage & { readonly body?: unknown },
  endpoint: (request: Request) => Promise<Response>,
): Promise<Response | undefined> {
  if (request.method !== 'POST' || !isForm(request.headers['content-type'])) return undefined;
  const isUnread = request.readable;
  const form = isUnread ? new URLSearchParams(await peek(request)) : keptForm(request.body);
  if (form === undefined || !isOurs(form)) return undefined;
  return endpoint(
    // Where the request came in is the adapter's business; no check depends on it.
    new Request('http://localhost/token', {
      method: 'POST',
      headers: relayed(request),
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
  let isOver = request.complete;
  while (bytes <= MAX_HEAD_BYTES) {
    const chunk = request.read() as Uint8Array | null;
    if (chunk !== null) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      isOver = request.complete;
    } else if (isOver) {
      break;
    } else {
      await progress(request);
      // It is said where there is something to read, and once more where there is nothing more to come.
      isOver = true;
    }
  }
  // In the turn of the last read(): the stream would come to its end in the next one.
  const head = Buffer.concat(chunks);
  if (bytes > 0) request.unshift(head);
  return head.subarray(0, MAX_HEAD_BYTES).toString();
}

/** Rejects where the client goes away. */
async function progress(request: IncomingMessage): Promise<void> {
  const heard = new AbortController();
  const { signal } = heard;
  try {
    await Promise.race(['readable', 'end', 'close'].map((event) => once(request, event, { signal })));
  } finally {
    heard.abort();
  }
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

function relayed({ rawHeaders, headers }: IncomingMessage): Headers {
  const relayable = new Headers();
  const append = (name: string, value: string) => {
    // `:method` and its like are HTTP/2's.
    if (!name.startsWith(':') && !NOT_RELAYED.has(name.toLowerCase())) relayable.append(name, value);
  };
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '');
  if (rawHeaders.length > 0) return relayable;
  // A request that was not read from a connection: what bridges to serverless functions make.
  for (const [name, value = []] of Object.entries(headers)) for (const each of [value].flat()) append(name, each);
  return relayable;
}

/** As a body parser left it: the text, or values, lists of repeated ones, and nothing deeper; undefined where none did. */
function keptForm(body: unknown): URLSearchParams | undefined {
  if (typeof body === 'string') return new URLSearchParams(body);
  if (body instanceof Uint8Array) return new URLSearchParams(Buffer.from(body).toString());
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

/**
 * An `idJagTokenEndpoint` as a middleware for Hono: it answers the forms whose `grant_type` is one of its own, and leaves
 * everything else, with its body unread, to the handlers after it. Where a middleware before it has read the body through
 * `context.req`, it takes what Hono kept of it; a body that was read otherwise it leaves to the others, whatever grant it is
 * of. Rejects where the client goes away while it sends, or `endpoint` rejects.
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
      const form = raw.bodyUsed ? await formKeptBy(req) : new URLSearchParams(await head(raw.clone()));
      if (form !== undefined && isOurs(form)) return endpoint(raw.bodyUsed ? withBody(raw, form) : raw);
    }
    await next();
    return undefined;
  };
}

async function formKeptBy(request: { formData(): Promise<FormData> }): Promise<URLSearchParams | undefined> {
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
  // Not waited for: a clone comes to its end when what it is a clone of has been read as well.
  reader.cancel().catch(() => undefined);
  return text.slice(0, MAX_HEAD_BYTES);
}

/** Whether any of possibly several values is one of the grants: the endpoint then refuses the repetition. */
function isOurs(parameters: URLSearchParams): boolean {
  return parameters.getAll('grant_type').some((type) => type === GRANT_JWT_BEARER || type === GRANT_JWT_DPOP);
}
