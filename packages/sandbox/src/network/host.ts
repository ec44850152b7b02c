import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';

/** A loopback HTTP server on a free port whose handler is given once its address is known. */
export interface Host {
  /** `http://127.0.0.1:PORT`, without a trailing slash. */
  readonly origin: string;
  /** Sets or swaps what answers. Until then, and after `close`, requests get 503. */
  serve(handler: RequestListener): void;
  /** Stops listening and cuts every connection, open event streams included. */
  close(): Promise<void>;
}

export interface HostOptions {
  /** Milliseconds before the handler sees a request. */
  latencyMs: number;
  /** Called as a request arrives, before the latency, so that a counter is right while answers are still on their way. */
  onRequest: RequestListener;
}

/**
 * Binds port 0 first and takes the handler later, because an issuer is its own URL: it has to be known before the
 * authorization server that carries it can be built.
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
      // whoever asked may have gone meanwhile, and its body with it
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
