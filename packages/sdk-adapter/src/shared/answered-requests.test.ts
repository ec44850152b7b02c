import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { awaitAnswer } from './answered-requests.ts';

/** The answers that the server has not sent yet, by path. */
const held = new Map<string, ServerResponse>();
const server = createServer((request, response) => void held.set(request.url ?? '', response));
let origin: string;

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  held.clear();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Resolves when the server has received a request for the path. */
async function received(path: string): Promise<ServerResponse> {
  for (;;) {
    const response = held.get(path);
    if (response) {
      held.delete(path);
      return response;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Registers a request in a context of its own, as an SDK does before it sends a request, and runs what follows. */
async function registered(isReady: boolean, run: () => Promise<unknown>): Promise<string[]> {
  const log: string[] = [];
  await (async () => {
    awaitAnswer({
      url: new URL(`${origin}/mcp?a=b`),
      isReady: () => isReady,
      sent: () => log.push('sent'),
      answered: (isRefused) => log.push(isRefused ? 'refused' : 'answered'),
    });
    await Promise.resolve();
    await run();
  })();
  return log;
}

async function answered(path: string, status: number): Promise<void> {
  const answer = fetch(origin + path);
  (await received(path)).writeHead(status).end();
  await (await answer).arrayBuffer();
}

describe('awaitAnswer', () => {
  it.each([
    { status: 200, expected: 'answered' },
    { status: 500, expected: 'answered' },
    { status: 401, expected: 'refused' },
  ])('reports the answer $status of the next request to the URL as $expected', async ({ status, expected }) => {
    expect(await registered(true, async () => answered('/mcp?a=b', status))).toEqual(['sent', expected]);
  });

  it('reports a request as sent before it is answered', async () => {
    const log: string[] = [];
    awaitAnswer({
      url: new URL(`${origin}/mcp`),
      isReady: () => true,
      sent: () => log.push('sent'),
      answered: () => log.push('answered'),
    });
    const answer = fetch(`${origin}/mcp`);
    const response = await received('/mcp');
    expect(log).toEqual(['sent']);
    response.end();
    await answer;
    expect(log).toEqual(['sent', 'answered']);
  });

  it('reports a request that fails or is aborted', async () => {
    const broken = async () => {
      const failed = fetch(`${origin}/mcp?a=b`).catch(() => undefined);
      (await received('/mcp?a=b')).destroy();
      expect(await failed).toBeUndefined();
    };
    expect(await registered(true, broken)).toEqual(['sent', 'answered']);
    const aborted = async () => {
      const abort = new AbortController();
      const failed = fetch(`${origin}/mcp?a=b`, { signal: abort.signal }).catch(() => undefined);
      await received('/mcp?a=b');
      abort.abort();
      expect(await failed).toBeUndefined();
    };
    expect(await registered(true, aborted)).toEqual(['sent', 'answered']);
  });

  it('ignores requests to another URL, requests before it is ready, and all after the first', async () => {
    expect(await registered(true, async () => answered('/token', 200))).toEqual([]);
    expect(await registered(false, async () => answered('/mcp?a=b', 200))).toEqual([]);
    const twice = async () => {
      await answered('/mcp?a=b', 200);
      await answered('/mcp?a=b', 401);
    };
    expect(await registered(true, twice)).toEqual(['sent', 'answered']);
  });
});
