import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Opens a free port on loopback before the handler exists, because the handler needs the port for its issuer identifier. */
export async function listen() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (listener: RequestListener) => void server.on('request', listener),
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
