import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Loopback {
  readonly origin: string;
  /** How many requests came in, by path. */
  readonly hits: Map<string, number>;
  /** Answers with this from now on. */
  serve(listener: RequestListener): void;
  close(): Promise<void>;
}

/** A server on a free port of 127.0.0.1, bound before what it serves is made: an issuer identifier holds its port. */
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
