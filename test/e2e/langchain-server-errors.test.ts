import { refusalOf } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import { silence } from '../support/peer.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

// -32000 and -32001 are also the codes that SDK v1 chose for its own errors.
const CODES = [
  -32_000, -32_001, -32_002, -32_003, -32_020, -32_021, -32_022, -32_042, -32_600, -32_601, -32_602, -32_603, -32_700,
  -1, 0, 404, 503,
];

const echo = { 'tools/list': () => ({ result: { tools: [listed('echo')] } }) };

describe.each(['v1', 'v2'] as const)('a JSON-RPC error of a server with SDK %s', (sdk) => {
  it.each(CODES)(
    'with the code %i reaches the model as the error of the tool, and the connection stays',
    async (code) => {
      let calls = 0;
      const server = await world.serve({
        ...echo,
        'tools/call': () =>
          (calls += 1) <= 3
            ? { error: { code, message: `The quota is used up (${calls}).` } }
            : { result: { content: [{ type: 'text', text: 'done' }] } },
      });
      const tool = toolNamed(await world.load({ s: server.url }, { sdk }), 's__echo');
      for (const call of [1, 2, 3]) {
        const answer = await callAsAgent(tool);
        expect(answer).toMatchObject({ status: 'error', artifact: undefined });
        expect(answer.text).toBe(
          `Error calling tool echo: McpError: MCP error ${code}: The quota is used up (${call}).`,
        );
        expect(refusalOf(answer)).toBeUndefined();
      }
      expect((await callAsAgent(tool)).text).toBe('done');
      expect(server.received('tools/call')).toHaveLength(4);
      expect(server.received('initialize')).toHaveLength(1);
      expect(server.received('ping')).toHaveLength(0);
    },
  );

  it.each([
    ['an SDK timeout', { code: -32_001, message: 'Request timed out', data: { timeout: 60_000 } }],
    ['an ended connection', { code: -32_000, message: 'Connection closed' }],
    ['a lost session', { code: -32_001, message: 'Session not found' }],
    ['an elicitation', { code: -32_042, message: 'Open the page.', data: { elicitations: [{ url: 'https://x' }] } }],
  ])('that looks like %s is still an error of the server', async (_what, error) => {
    const events = (id: unknown) => `data: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`;
    const server = await world.serve({
      ...echo,
      'tools/call': ({ id, params }) =>
        params['arguments'] && Object.hasOwn(params['arguments'], 'stream')
          ? { http: { headers: { 'content-type': 'text/event-stream' }, body: events(id) } }
          : { error },
    });
    const tool = toolNamed(await world.load({ s: server.url }, { sdk }), 's__echo');
    for (const args of [{}, { stream: true }]) {
      const answer = await callAsAgent(tool, args);
      expect(refusalOf(answer)).toBeUndefined();
      expect(answer.text).toContain(`MCP error ${error.code}: ${error.message}`);
    }
    expect(server.received('initialize')).toHaveLength(1);
    expect(server.received('tools/call')).toHaveLength(2);
  });

  it.each(CODES)('with the code %i to initialize or tools/list is named in failures', async (code) => {
    const error = { code, message: 'not today' };
    const initialize = await world.serve({ initialize: () => ({ error }) });
    const list = await world.serve({ 'tools/list': () => ({ error }) });
    const { failures } = await world.load({ initialize: initialize.url, list: list.url }, { sdk });
    for (const server of ['initialize', 'list']) {
      const failure = failures.find((each) => each.server === server);
      expect(failure?.error).toMatchObject({ leg: 'call', contact: 'server-owner', server });
      expect(failure?.error.message).toBe(`Server "${server}" answered with the JSON-RPC error ${code}.`);
      expect(failure?.error.peerText).toBe('not today');
    }
  });

  it('differs from the timeout of the SDK itself', async () => {
    const server = await world.serve({ ...echo, 'tools/call': () => ({ http: silence() }) });
    const tool = toolNamed(await world.load({ s: server.url }, { sdk, toolTimeoutMs: 200 }), 's__echo');
    const answer = await callAsAgent(tool);
    expect(refusalOf(answer)?.error).toMatchObject({ code: 'timeout' });
    expect(answer.text).toContain('did not answer in time');

    const slow = await world.serve({ initialize: () => ({ http: silence() }) });
    const { failures } = await world.load({ slow: slow.url }, { sdk, connectTimeoutMs: 200 });
    expect(failures[0]?.error).toMatchObject({ code: 'timeout' });
  });
});
