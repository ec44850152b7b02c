import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

const PROGRAM = fileURLToPath(new URL('guarded-fetch-process.ts', import.meta.url));
const REFUSED = 'the host resolves to a loopback address';
// Node.js 24 is the first that uses the proxy of the environment for its fetch. CI runs this file on the newest Node.js too.
const hasEnvironmentProxies = Number(process.versions.node.split('.')[0]) >= 24;

let server: Server;
let origin: string;
let requests: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.end('reached');
  }).on('connect', ({ url }, socket) => {
    requests.push(`CONNECT ${url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `evil.test:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function outcome(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return (await text(child.stdout)).trim();
}

describe('a name of a peer that resolves to loopback', () => {
  it.each(['before any other request', 'fetch-first'])('is refused outside of jest (%s)', async (first) => {
    expect(await outcome([`http://${origin}/token`, '127.0.0.1', first])).toBe(REFUSED);
    expect(requests).toEqual([]);
  });

  (hasEnvironmentProxies ? it : it.skip)('is refused also if NO_PROXY exempts it from the proxy', async () => {
    const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: `http://127.0.0.1:${origin.split(':')[1]}`, NO_PROXY: '*' };
    expect(await outcome([`http://${origin}/token`, '127.0.0.1'], env)).toBe(REFUSED);
    expect(requests).toEqual([]);
  });

  (hasEnvironmentProxies ? it : it.skip)('is left to the proxy that the environment names', async () => {
    const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: `http://127.0.0.1:${origin.split(':')[1]}` };
    expect(await outcome([`http://${origin}/token`, '127.0.0.1'], env)).not.toBe(REFUSED);
    expect(requests).not.toEqual([]);
  });
});
