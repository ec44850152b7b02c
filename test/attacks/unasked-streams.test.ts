import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { refusalOf } from '@credence/langchain';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import { endless } from '../support/peer.ts';

jest.setTimeout(30_000);

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

const FLOOD = endless({
  headers: { 'content-type': 'text/event-stream' },
  chunk: 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'.repeat(100),
});

/** Resolves when the server has written no more for a moment. */
async function quiet(written: () => number): Promise<number> {
  for (let before = -1; before !== written();) {
    before = written();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return written();
}

describe.each(['v1', 'v2'] as const)('with SDK %s', (sdk) => {
  it('a GET stream that is flooded ends and is not opened again, and the tools work', async () => {
    const server = await world.serve({
      GET: () => ({ http: FLOOD }),
      'tools/list': () => ({ result: { tools: [listed('echo')] } }),
      'tools/call': () => ({ result: { content: [{ type: 'text', text: 'done' }] } }),
    });
    const loaded = await world.load({ s: server.url }, { sdk });
    const written = await quiet(() => server.peer.bytesWritten());
    expect(written).toBeLessThan(20_000_000);
    expect((await callAsAgent(toolNamed(loaded, 's__echo'))).text).toBe('done');
    expect(server.peer.received('GET /mcp')).toHaveLength(1);
  });

  it.each([
    ['after its timeout', { timeout: 300 }, 'timeout'],
    ['after the caller aborts it', undefined, undefined],
  ])('the stream of a call that never ends is closed %s', async (_when, config, code) => {
    const server = await world.serve({
      'tools/list': () => ({ result: { tools: [listed('echo')] } }),
      'tools/call': () => ({ http: FLOOD }),
    });
    const tool = toolNamed(await world.load({ s: server.url }, { sdk }), 's__echo');
    if (config) {
      const answer: unknown = await tool.invoke({ type: 'tool_call', id: '1', name: tool.name, args: {} }, config);
      expect(refusalOf(answer)?.error.code).toBe(code);
    } else {
      const caller = new AbortController();
      const call = tool.invoke({}, { signal: caller.signal }).catch((error: unknown) => error);
      while (server.peer.bytesWritten() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      caller.abort(new Error('the user left'));
      expect(await call).toMatchObject({ message: 'the user left' });
    }
    await quiet(() => server.peer.bytesWritten());
  });
});
