import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { closeServer, listenOnLoopback, readBody } from './loopback.ts';

/** A request as the peer received it. */
export interface PeerRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The parameters of a form-encoded body; of a repeated one the last (see `body` for all). */
  readonly form: Readonly<Record<string, string>>;
  /** HTTP Basic credentials, form-decoded (RFC 6749 section 2.3.1). */
  readonly basic: { readonly id: string; readonly secret: string } | undefined;
}

/** An ordinary answer: 200 and JSON unless it says otherwise. */
export interface CannedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** A string goes out as it is, an iterable is streamed, any other object becomes JSON. */
  readonly body?: string | object | AsyncIterable<string | Uint8Array>;
}

/** What a misbehaving answer may do with the connection. */
export interface Wire {
  readonly response: ServerResponse;
  /** Aborted when the client goes away or the peer is closed. */
  readonly signal: AbortSignal;
  /** Writes one chunk and waits until it may write the next; false once the socket is gone. */
  readonly write: (chunk: string | Uint8Array) => Promise<boolean>;
}

export interface WireAnswer {
  readonly onWire: (wire: Wire) => void | Promise<void>;
}

export type PeerAnswer = CannedAnswer | WireAnswer;
export type PeerHandler = (request: PeerRequest) => PeerAnswer | Promise<PeerAnswer>;
/** An array gives its answers one after the other and stays with the last. */
export type PeerRoute = PeerAnswer | PeerHandler | readonly (PeerAnswer | PeerHandler)[];
/** `'POST /token'`, `'/token'` for any method, `'*'` for the rest. */
export type PeerRoutes = Readonly<Record<string, PeerRoute>>;

export interface Peer {
  readonly origin: string;
  readonly requests: readonly PeerRequest[];
  /** Bytes of bodies handed to sockets so far by streams and misbehaving answers. */
  bytesWritten(): number;
  /** Requests of one route key (`'POST /token'`, `'/token'`). */
  received(key: string): readonly PeerRequest[];
  /** Sets or replaces a route while the peer runs. */
  route(key: string, route: PeerRoute): void;
  close(): Promise<void>;
}

function isIterable(body: object): body is AsyncIterable<string | Uint8Array> {
  return Symbol.asyncIterator in body;
}

/** An answer that never ends: `chunk` again and again until the socket dies. */
export function endless(answer: Omit<CannedAnswer, 'body'> & { readonly chunk?: string } = {}): WireAnswer {
  const chunk = answer.chunk ?? ' '.repeat(16_384);
  return {
    async onWire({ response, write }) {
      response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
      while (await write(chunk));
    },
  };
}

/** Accepts the request and says nothing. */
export function silence(): WireAnswer {
  return { onWire: async ({ signal }) => void (signal.aborted || (await once(signal, 'abort'))) };
}

/** A whole answer, one byte every `everyMs` milliseconds. */
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

/** Cuts the connection, before any answer or after the beginning of one. */
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
 * A scriptable HTTP server on loopback, for what no honest server can be made to do. A handler answers everything;
 * routes answer by method and path, the rest is 404.
 */
export async function startPeer(script: PeerHandler | PeerRoutes): Promise<Peer> {
  const routes = new Map<string, PeerRoute>(typeof script === 'function' ? [['*', script]] : Object.entries(script));
  const turns = new Map<string, number>();
  const requests: PeerRequest[] = [];
  const closing = new AbortController();
  let bytesWritten = 0;

  const server = createServer((request, response) => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const leave = () => gone.abort();
    closing.signal.addEventListener('abort', leave);
    response.on('close', () => closing.signal.removeEventListener('abort', leave));

    async function write(chunk: string | Uint8Array): Promise<boolean> {
      if (gone.signal.aborted) return false;
      bytesWritten += Buffer.byteLength(chunk);
      if (!response.write(chunk)) {
        await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
      }
      // Gives the rest of the process a turn, or an endless answer starves its own reader.
      await new Promise<void>((resolve) => setImmediate(resolve));
      return !gone.signal.aborted;
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
      if ('onWire' in answer) return answer.onWire({ response, signal: gone.signal, write });
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
      // A script that throws is a mistake in the test: say so where the client sees it.
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
