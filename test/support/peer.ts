import { once, setMaxListeners } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { closeServer, listenOnLoopback, readBody } from './loopback.ts';

/** A request that the peer received. */
export interface PeerRequest {
  readonly method: string;
  /** The path without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The parameters of a form-encoded body. If a parameter is repeated, its last value (see `body` for all). */
  readonly form: Readonly<Record<string, string>>;
  /** HTTP Basic credentials, form-decoded (RFC 6749 section 2.3.1). */
  readonly basic: { readonly id: string; readonly secret: string } | undefined;
}

/** A valid HTTP answer. Default: status 200 and JSON. */
export interface CannedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** A string is sent unchanged, an iterable is streamed, any other object is sent as JSON. */
  readonly body?: string | object | AsyncIterable<string | Uint8Array>;
}

/** The access of a misbehaving answer to the connection. */
export interface Wire {
  readonly response: ServerResponse;
  /** Aborted when the client disconnects or the peer is closed. */
  readonly signal: AbortSignal;
  /** Writes one chunk, and resolves when the next can be written. Resolves to false if the connection is closed. */
  readonly write: (chunk: string | Uint8Array) => Promise<boolean>;
}

export interface WireAnswer {
  readonly onWire: (wire: Wire) => void | Promise<void>;
}

export type PeerAnswer = CannedAnswer | WireAnswer;
export type PeerHandler = (request: PeerRequest) => PeerAnswer | Promise<PeerAnswer>;
/** The answers of an array are used one after the other. Then the last one is repeated. */
export type PeerRoute = PeerAnswer | PeerHandler | readonly (PeerAnswer | PeerHandler)[];
/** The keys: `'POST /token'`, `'/token'` for any method, `'*'` for all other requests. */
export type PeerRoutes = Readonly<Record<string, PeerRoute>>;

export interface Peer {
  readonly origin: string;
  readonly requests: readonly PeerRequest[];
  /** The number of body bytes that streams and misbehaving answers have written so far. */
  bytesWritten(): number;
  /** The requests that match a route key (`'POST /token'`, `'/token'`). */
  received(key: string): readonly PeerRequest[];
  /** Sets or replaces a route while the peer runs. */
  route(key: string, route: PeerRoute): void;
  close(): Promise<void>;
}

function isIterable(body: object): body is AsyncIterable<string | Uint8Array> {
  return Symbol.asyncIterator in body;
}

/** An answer without end: it repeats `chunk` until the connection is closed. */
export function endless(answer: Omit<CannedAnswer, 'body'> & { readonly chunk?: string } = {}): WireAnswer {
  const chunk = answer.chunk ?? ' '.repeat(16_384);
  return {
    async onWire({ response, write }) {
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
      while (await write(chunk));
    },
  };
}

/** Accepts the request and sends no answer. */
export function silence(): WireAnswer {
  return { onWire: async ({ signal }) => void (signal.aborted || (await once(signal, 'abort'))) };
}

/** A complete answer that is sent slowly: one byte every `everyMs` milliseconds. */
export function drip(answer: CannedAnswer & { readonly body: string; readonly everyMs: number }): WireAnswer {
  return {
    async onWire({ response, signal, write }) {
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
      for (const byte of Buffer.from(answer.body)) {
        if (!(await write(Uint8Array.of(byte)))) return;
        await delay(answer.everyMs, undefined, { signal }).catch(() => undefined);
      }
      response.end();
    },
  };
}

/** Closes the connection before the answer, or after `beginning`. */
export function hangUp(beginning?: string): WireAnswer {
  return {
    async onWire({ response, write }) {
      if (beginning !== undefined) {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': beginning.length + 100 });
        await write(beginning);
      }
      response.destroy();
    },
  };
}

function basicCredentials(header: string | undefined): PeerRequest['basic'] {
  const encoded = /^Basic +(\S+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  const [id, secret] = [text.slice(0, colon), text.slice(colon + 1)].map((part) =>
    decodeURIComponent(part.replaceAll('+', ' ')),
  );
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/**
 * An HTTP server on loopback with scripted answers, for behaviour that a correct server does not have. A handler answers all
 * requests. Routes answer by method and path, and other requests get a 404.
 */
export async function startPeer(script: PeerHandler | PeerRoutes): Promise<Peer> {
  const routes = new Map<string, PeerRoute>(typeof script === 'function' ? [['*', script]] : Object.entries(script));
  const turns = new Map<string, number>();
  const requests: PeerRequest[] = [];
  const closing = new AbortController();
  // One for each open request.
  setMaxListeners(0, closing.signal);
  let bytesWritten = 0;

  const server = createServer((request, response) => {
    const disconnected = new AbortController();
    response.on('close', () => disconnected.abort());
    const disconnect = () => disconnected.abort();
    closing.signal.addEventListener('abort', disconnect);
    response.on('close', () => closing.signal.removeEventListener('abort', disconnect));

    async function write(chunk: string | Uint8Array): Promise<boolean> {
      if (disconnected.signal.aborted) return false;
      bytesWritten += Buffer.byteLength(chunk);
      if (!response.write(chunk)) {
        await once(response, 'drain', { signal: disconnected.signal }).catch(() => undefined);
      }
      // Lets other tasks of the process run. Otherwise the reader of an endless answer gets no time.
      await new Promise<void>((resolve) => setImmediate(resolve));
      return !disconnected.signal.aborted;
    }

    async function handle(): Promise<void> {
      const url = new URL(request.url ?? '/', 'http://peer');
      const body = await readBody(request);
      const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
      const recorded: PeerRequest = {
        method: request.method ?? 'GET',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body,
        form: isForm ? Object.fromEntries(new URLSearchParams(body)) : {},
        basic: basicCredentials(request.headers.authorization),
      };
      requests.push(recorded);
      const answer = await choose(recorded);
      if ('onWire' in answer) return answer.onWire({ response, signal: disconnected.signal, write });
      const payload = answer.body ?? '';
      const isText = typeof payload === 'string';
      response.writeHead(answer.status ?? 200, {
        ...(!isText && !isIterable(payload) && { 'content-type': 'application/json' }),
        ...answer.headers,
      });
      if (isText) return void response.end(payload);
      if (!isIterable(payload)) return void response.end(JSON.stringify(payload));
      for await (const chunk of payload) {
        if (!(await write(chunk))) return;
      }
      response.end();
    }

    handle().catch((error: unknown) => {
      // A handler that throws is a mistake in the test. The answer shows the error.
      if (!response.headersSent) response.writeHead(599, { 'content-type': 'text/plain' });
      response.end(`the peer's script failed: ${String(error)}`);
    });
  });

  async function choose(request: PeerRequest): Promise<PeerAnswer> {
    const key = [`${request.method} ${request.path}`, request.path, '*'].find((candidate) => routes.has(candidate));
    const route = key === undefined ? undefined : routes.get(key);
    if (key === undefined || route === undefined) return { status: 404, body: 'nothing here' };
    let chosen: PeerAnswer | PeerHandler | undefined;
    if (isSequence(route)) {
      const turn = turns.get(key) ?? 0;
      turns.set(key, turn + 1);
      chosen = route[Math.min(turn, route.length - 1)];
    } else {
      chosen = route;
    }
    if (chosen === undefined) return { status: 404, body: 'nothing here' };
    return typeof chosen === 'function' ? chosen(request) : chosen;
  }

  const origin = await listenOnLoopback(server);
  return {
    origin,
    requests,
    bytesWritten: () => bytesWritten,
    received: (key) => requests.filter(({ method, path }) => key === path || key === `${method} ${path}`),
    route(key, route) {
      routes.set(key, route);
      turns.delete(key);
    },
    async close() {
      closing.abort();
      await closeServer(server);
    },
  };
}

function isSequence(route: PeerRoute): route is readonly (PeerAnswer | PeerHandler)[] {
  return Array.isArray(route);
}
