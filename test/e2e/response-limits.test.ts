import { credenceErrorIn, type ServicePrincipal } from '@credence/core';
import { loadTools } from '@credence/langchain';
import * as v1 from '@credence/sdk-adapter';
import * as v2 from '@credence/sdk-adapter/v2';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type CallWorld, startCallWorld } from '../../packages/core/test-support/call-world.ts';
import type { PeerAnswer, PeerRequest } from '../support/peer.ts';

const MIB = 1024 * 1024;
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});

interface Message {
  readonly id?: number;
  readonly method: string;
}

const TOOL = { name: 'dump', description: 'Dumps.', inputSchema: { type: 'object' } };

/** An MCP server of revision 2025-06-18 whose tool sends data without an end, as JSON or as one event of an event stream. */
function server(contentType: 'application/json' | 'text/event-stream') {
  return ({ method, body }: PeerRequest): PeerAnswer => {
    if (method !== 'POST') return { status: 405 };
    const { id, method: called } = JSON.parse(body) as Message;
    if (id === undefined) return { status: 202 };
    const answer = (result: object): PeerAnswer => ({ body: { jsonrpc: '2.0', id, result } });
    switch (called) {
      case 'initialize':
        return answer({
          protocolVersion: '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 'dumper', version: '1' },
        });
      case 'tools/list':
        return answer({ tools: [TOOL] });
      case 'tools/call':
        return {
          async onWire({ response, write }) {
            response.writeHead(200, { 'content-type': contentType });
            const event = contentType === 'text/event-stream' ? 'event: message\ndata: ' : '';
            await write(`${event}{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`);
            while (await write('x'.repeat(65_536)));
          },
        };
      default:
        return { status: 400, body: { jsonrpc: '2.0', id, error: { code: -32_601, message: 'Method not found' } } };
    }
  };
}

async function start(contentType: 'application/json' | 'text/event-stream'): Promise<CallWorld> {
  const world = await startCallWorld(server(contentType), { limits: { bodyBytes: 2 * MIB, eventBytes: 2 * MIB } });
  opened.push(world);
  return world;
}

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
}

const tooLarge = { code: 'response_too_large', leg: 'call', server: 'notes', contact: 'server-owner' };

async function expectStopped({ mcp, emitted }: CallWorld): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
  const written = mcp.bytesWritten();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(mcp.bytesWritten()).toBe(written);
  expect(written).toBeLessThan(24 * MIB);
  expect(emitted('call-failed')).toEqual([expect.objectContaining(tooLarge)]);
}

describe.each(['application/json', 'text/event-stream'] as const)(
  'a tool result without an end as %s',
  (contentType) => {
    it.each([
      ['v1', async (bot: ServicePrincipal) => v1.connectMcp(bot, 'notes')],
      ['v2', async (bot: ServicePrincipal) => v2.connectMcp(bot, 'notes', { versionNegotiation: { mode: 'legacy' } })],
    ] as const)('rejects the call of SDK %s with the CredenceError, and other calls go on', async (_sdk, connect) => {
      const world = await start(contentType);
      const client = await connect(world.bot);
      opened.push(client);
      const error = await errorOf(client.callTool({ name: 'dump', arguments: {} }));
      expect(credenceErrorIn(error)).toMatchObject(tooLarge);
      await expectStopped(world);
      expect((await client.listTools()).tools).toHaveLength(1);
    });

    it.each(['v1', 'v2'] as const)('is an error of the LangChain tool over SDK %s', async (sdk) => {
      const world = await start(contentType);
      const loaded = await loadTools(world.bot, ['notes'], { sdk });
      opened.push(loaded);
      const error = await errorOf(loaded.tools[0]?.invoke({}) ?? Promise.resolve());
      expect(credenceErrorIn(error)).toMatchObject(tooLarge);
      expect(String(error)).toContain('sent a');
      await expectStopped(world);
    });
  },
);
