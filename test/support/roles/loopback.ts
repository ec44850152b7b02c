import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Loopback {
  readonly origin: string;
  /** The number of received requests, by path. */
  readonly hits: Map<string, number>;
  /** Sets the handler of all further requests. */
  serve(listener: RequestListener): void;
  close(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. The handler is set later, because an issuer identifier contains the port. */
export async function loopback(): Promise<Loopback> {
  let current: RequestListener | undefined;
  const hits = new Map<string, number>();
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    hits.set(path, (hits.get(path) ?? 0) + 1);
    if (current === undefined) response.writeHead(503).end();
    else current(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    hits,
    serve(listener) {
      current = listener;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
