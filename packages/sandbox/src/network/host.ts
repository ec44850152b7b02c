import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';

/** A loopback HTTP server on a free port. Its handler is set after the server listens. */
export interface Host {
  /** `http://127.0.0.1:PORT`, without a trailing slash. */
  readonly origin: string;
  /** Sets or replaces the handler. Before the first call, and after `close`, requests get 503. */
  serve(handler: RequestListener): void;
  /** Stops listening and cuts every connection, open event streams included. */
  close(): Promise<void>;
}

export interface HostOptions {
  /** Milliseconds between the arrival of a request and the call of the handler. */
  latencyMs: number;
  /** Called when a request arrives, before the latency, so that it counts requests that are not answered yet. */
  onRequest: RequestListener;
}

/**
 * Listens on a free port before there is a handler, because an authorization server's issuer contains the port: the port must be
 * known before the authorization server can be created.
 */
export async function openHost(options: HostOptions): Promise<Host> {
  const notReady: RequestListener = (_request, response) => {
    response.writeHead(503).end();
  };
  let handler = notReady;
  const waiting = new Set<NodeJS.Timeout>();

  const server = createServer((request, response) => {
    options.onRequest(request, response);
    if (options.latencyMs <= 0) {
      handler(request, response);
      return;
    }
    const timer = setTimeout(() => {
      waiting.delete(timer);
      // the client can have disconnected during the latency
      if (!request.destroyed && !response.destroyed) handler(request, response);
    }, options.latencyMs);
    waiting.add(timer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the loopback server has no port');

  let closing: Promise<void> | undefined;
  return {
    origin: `http://127.0.0.1:${address.port}`,
    serve(next) {
      handler = next;
    },
    close() {
      closing ??= new Promise((resolve) => {
        handler = notReady;
        for (const timer of waiting) clearTimeout(timer);
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closing;
    },
  };
}
