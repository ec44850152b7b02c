import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** Answers with an event stream that stays open and empty. */
  readonly isStream?: boolean;
}

/**
 * Serves on a free port of 127.0.0.1. Every answer is sent `latencyMs()` after its request arrived. That time includes the
 * time to compute the answer.
 */
export async function serve(
  latencyMs: () => number,
  handle: (origin: string, request: ReceivedRequest) => Answer | Promise<Answer>,
): Promise<string> {
  let origin = '';
  const server = createServer((request, response) => {
    const dueMs = performance.now() + latencyMs();
    const run = async () => {
      const { status, headers = {}, json, isStream = false } = await handle(origin, await received(request));
      const leftMs = dueMs - performance.now();
      if (leftMs > 0) await sleep(leftMs);
      if (isStream) return response.writeHead(status, { 'content-type': 'text/event-stream' }).flushHeaders();
      response.writeHead(status, json === undefined ? headers : { 'content-type': 'application/json', ...headers });
      response.end(json === undefined ? undefined : JSON.stringify(json));
    };
    run().catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      response.writeHead(500).end();
    });
  });
  // A connection must stay open between two rounds: otherwise some contender has to open a new one.
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return origin;
}

async function received(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? 'GET',
    path: (request.url ?? '/').replace(/\?.*$/u, ''),
    authorization: request.headers.authorization,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}
