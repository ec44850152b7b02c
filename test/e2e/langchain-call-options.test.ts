import { type LoadToolsOptions, refusalOf } from '@credence/langchain';
import { ToolMessage } from '@langchain/core/messages';
import { Command, GraphInterrupt } from '@langchain/langgraph';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  type RpcRequest,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

const CONTENT = [
  { type: 'text', text: 'a picture' },
  { type: 'image', data: 'aW1n', mimeType: 'image/png' },
  { type: 'resource', resource: { uri: 'x://1', mimeType: 'text/plain', text: 'a file' } },
];

async function picture(options: LoadToolsOptions, content: readonly object[] = CONTENT) {
  const calls: RpcRequest[] = [];
  const server = await world.serve({
    'tools/list': () => ({ result: { tools: [listed('draw'), listed('other')] } }),
    'tools/call': (request) => {
      calls.push(request);
      return { result: { content } };
    },
  });
  const loaded = await world.load({ s: server.url }, options);
  return { tool: toolNamed(loaded, 's__draw'), other: toolNamed(loaded, 's__other'), calls, server };
}

describe.each(['v1', 'v2'] as const)('the options of mcp-adapters with SDK %s', (sdk) => {
  const result = async (options: LoadToolsOptions) => {
    const { tool } = await picture({ sdk, ...options });
    const message: unknown = await callAsAgent(tool);
    if (!ToolMessage.isInstance(message)) throw new Error('no tool message');
    return message;
  };

  it('useStandardContentBlocks chooses the form of the content', async () => {
    expect((await result({})).content).toEqual([
      { type: 'text', text: 'a picture' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,aW1n' } },
    ]);
    expect((await result({ useStandardContentBlocks: true })).content).toEqual([
      { type: 'text', source_type: 'text', text: 'a picture' },
      { type: 'image', source_type: 'base64', data: 'aW1n', mime_type: 'image/png' },
    ]);
  });

  it('outputHandling chooses what the model gets', async () => {
    const message = await result({ outputHandling: { image: 'artifact', resource: 'content' } });
    expect(message.content).toMatchObject([{ type: 'text' }, { type: 'file', text: 'a file' }]);
    expect(message.artifact).toMatchObject([{ type: 'image', data: 'aW1n' }]);
    expect((await result({ outputHandling: 'artifact' })).content).toEqual([]);
  });

  it('beforeToolCall changes the arguments and adds headers to the request of this call alone', async () => {
    const hook = jest.fn(({ name }: { name: string }) =>
      name === 'draw' ? { args: { size: 3 }, headers: { 'x-run': 'run-1' } } : {},
    );
    const { tool, other, calls, server } = await picture({ sdk, beforeToolCall: (request) => hook(request) });
    await Promise.all([callAsAgent(tool, { color: 'red' }), callAsAgent(other)]);
    expect(hook.mock.calls.map(([request]) => request)).toMatchObject([
      { serverName: 's', name: 'draw' },
      { serverName: 's', name: 'other', args: {} },
    ]);
    const draw = calls.find(({ params }) => params['name'] === 'draw');
    expect(draw?.params).toMatchObject({ arguments: { color: 'red', size: 3 } });
    expect(draw?.http.headers['x-run']).toBe('run-1');
    const others = server.peer.requests.filter((request) => request !== draw?.http);
    expect(others.filter(({ headers }) => 'x-run' in headers)).toEqual([]);
  });

  it.each(['Authorization', 'DPoP', 'mcp-session-id', 'Cookie', 'host', 'content-type', 'a b', 'x-\r\ny'])(
    'beforeToolCall cannot set the header %j: the call is not sent',
    async (name) => {
      const { tool, calls } = await picture({ sdk, beforeToolCall: () => ({ headers: { [name]: 'evil' } }) });
      expect(refusalOf(await callAsAgent(tool))?.error).toMatchObject({ code: 'invalid_configuration', server: 's' });
      expect(calls).toEqual([]);
    },
  );

  it('afterToolCall replaces the result', async () => {
    const seen: unknown[] = [];
    const afterToolCall: LoadToolsOptions['afterToolCall'] = (call) => {
      seen.push(call);
      return { result: 'short' };
    };
    expect((await result({ afterToolCall })).content).toBe('short');
    expect(seen).toMatchObject([{ serverName: 's', name: 'draw', args: {} }]);
    const { tool } = await picture({ sdk, afterToolCall: () => ({ result: new Command({ update: { a: 1 } }) }) });
    expect(await callAsAgent(tool)).toMatchObject({ update: { a: 1 } });
  });

  it('an error of a hook is an error of the tool, and an interrupt of LangGraph stays one', async () => {
    const failing = await picture({
      sdk,
      beforeToolCall: () => {
        throw new Error('not on Sundays');
      },
    });
    expect(await callAsAgent(failing.tool)).toMatchObject({
      status: 'error',
      text: expect.stringContaining('not on Sundays'),
    });
    const interrupt = new GraphInterrupt([{ id: 'i', value: 'may I?' }]);
    const pausing = await picture({
      sdk,
      beforeToolCall: () => {
        throw interrupt;
      },
    });
    await expect(callAsAgent(pausing.tool)).rejects.toBe(interrupt);
    expect([failing.calls, pausing.calls]).toEqual([[], []]);
  });
});

describe('the options of loadTools for a connection', () => {
  it.each<[string, unknown]>([
    ['useStandardContentBlocks', 'yes'],
    ['outputHandling', 'contents'],
    ['outputHandling', { video: 'content' }],
    ['outputHandling', { image: 'nowhere' }],
    ['onProgress', 'log'],
    ['beforeToolCall', {}],
    ['afterToolCall', true],
    ['onElicitation', 1],
    ['onSampling', []],
    ['resetTimeoutOnProgress', 1],
    ['maxTotalTimeoutMs', 0],
    ['transport', 'stdio'],
    ['transport', { s: 'websocket' }],
    ['transport', { unknown: 'sse' }],
    ['useStandardContentBlock', true],
  ])('%s is not %j', async (name, value) => {
    const server = await world.serve({});
    await expect(world.load({ s: server.url }, { [name]: value } as LoadToolsOptions)).rejects.toMatchObject({
      code: 'invalid_configuration',
      leg: 'configure',
      message: expect.stringContaining(name),
    });
    expect(server.peer.requests).toEqual([]);
  });
});
