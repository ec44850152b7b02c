import { credenceErrorIn } from '@credence/core';
import { loadTools, refusalOf } from '@credence/langchain';
import { connectMcp as connectV1 } from '@credence/sdk-adapter';
import { connectMcp as connectV2 } from '@credence/sdk-adapter/v2';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { callAsAgent, rpcError, toolNamed } from '../support/langchain-world.ts';
import { eventStream, messageIn } from '../support/mcp-answer.ts';
import { startV1Streamable } from '../support/mcp-servers/index.ts';
import { type Peer, type PeerAnswer, silence } from '../support/peer.ts';
import { echo, echoed, type SdkWorld, startRelay, startSdkWorld, type ToolClient } from './sdk-world.ts';

// a hundred connections can take long on a busy machine
jest.setTimeout(60_000);

const page = (contentType: string): PeerAnswer => ({
  headers: { 'content-type': contentType },
  body: `<html><title>Please\u202esign in</title>${'<p>'.repeat(3_000)}</html>`,
});
const json = (body: string): PeerAnswer => ({ headers: { 'content-type': 'application/json' }, body });
const quota = { code: -32_001, message: 'Tool quota\r\nexceeded' };
const QUOTA = 'the JSON-RPC error -32001 without the id of the request';
const longText = 'x'.repeat(5_000);

/** What a server answers, what the message says of it, and the words of the server. */
const REPLIES: [string, PeerAnswer, string, string | undefined][] = [
  [
    'a JSON-RPC error with the id null',
    { body: { jsonrpc: '2.0', id: null, error: quota } },
    QUOTA,
    'Tool quota exceeded',
  ],
  ['a JSON-RPC error without an id', { body: { jsonrpc: '2.0', error: quota } }, QUOTA, 'Tool quota exceeded'],
  ['a batch with such an error', { body: [{ jsonrpc: '2.0', id: null, error: quota }] }, QUOTA, undefined],
  ['{}', { body: {} }, 'JSON that is not JSON-RPC 2.0', '{}'],
  [
    'another JSON object',
    { body: { error: 'over quota', x: longText } },
    'JSON that is not JSON-RPC 2.0',
    'over quota',
  ],
  ['a list of numbers', { body: [1, 2] }, 'JSON that is not JSON-RPC 2.0', '[1,2]'],
  ['null', json('null'), 'JSON that is not JSON-RPC 2.0', 'null'],
  ['a string', json('"ok"'), 'JSON that is not JSON-RPC 2.0', '"ok"'],
  ['a result without jsonrpc', { body: { id: 1, result: {} } }, 'JSON that is not JSON-RPC 2.0', undefined],
  ['an empty list', json('[]'), 'JSON-RPC that is no response to it', undefined],
  [
    'a response to another request',
    { body: { jsonrpc: '2.0', id: 4711, result: {} } },
    'JSON-RPC that is no response to it',
    undefined,
  ],
  ['HTML', page('text/html; charset=utf-8'), 'HTML', 'Please sign in'],
  ['HTML as JSON', page('application/json'), 'HTML', 'Please sign in'],
  ['text', { headers: { 'content-type': 'text/plain' }, body: longText }, 'the content type "text/plain"', 'xxx'],
  ['text as JSON', json('over quota'), 'text that is not JSON', 'over quota'],
  ['an empty body', { headers: { 'content-type': 'text/plain' }, body: '' }, 'an empty body', undefined],
  ['an empty body as JSON', json(''), 'an empty body', undefined],
  ['204', { status: 204 }, 'an empty body', undefined],
  [
    'an event with such an error',
    eventStream({ jsonrpc: '2.0', id: null, error: quota }),
    QUOTA,
    'Tool quota exceeded',
  ],
  ['an event without an id', eventStream({ jsonrpc: '2.0', error: quota }), QUOTA, 'Tool quota exceeded'],
  ['an event that is {}', eventStream({}), 'an event stream that ended without a response', '{}'],
  [
    'an event that is no JSON',
    eventStream('data: over quota\n\n'),
    'an event stream that ended without a response',
    'over quota',
  ],
  ['an empty event stream', eventStream(': nothing\n\n'), 'an event stream that ended without a response', undefined],
];

type Bot = SdkWorld['bot'];

describe.each<['v1' | 'v2', (bot: Bot) => Promise<ToolClient>]>([
  ['v1', async (bot) => connectV1(bot, 'notes')],
  [
    'v2',
    async (bot) => {
      const client = await connectV2(bot, 'notes');
      return {
        callTool: async (params, _schema, call) => client.callTool(params, call),
        close: async () => client.close(),
      };
    },
  ],
])('a server whose response is none of MCP, with SDK %s', (sdk, connect) => {
  let world: SdkWorld;
  let relay: Peer;
  let instead: ((method: string | undefined) => PeerAnswer | undefined) | undefined;

  beforeEach(async () => {
    instead = undefined;
    const started: { world?: SdkWorld } = {};
    relay = await startRelay(
      () => started.world?.server.url ?? '',
      ({ method, body }) => (method === 'POST' ? instead?.(messageIn(body).method) : undefined),
    );
    const url = `${relay.origin}/mcp`;
    world = await startSdkWorld(startV1Streamable, { entry: { url, resource: url } });
    started.world = world;
    world.as.protect(url);
  });

  afterEach(async () => {
    await relay.close();
    await world.close();
  });

  function expected(what: string, words: string | undefined): object {
    return {
      code: 'invalid_response',
      leg: 'call',
      contact: 'server-owner',
      server: 'notes',
      message: `Server "notes" answered a request with ${what}.`,
      ...(words !== undefined && { peerText: expect.stringContaining(words) }),
    };
  }

  it.each(REPLIES)(
    'has to a tool call %s: the error names it at once, and the next call works',
    async (_what, answer, what, words) => {
      const { tools, close } = await loadTools(world.bot, ['notes'], { sdk });
      const tool = toolNamed({ tools, failures: [] }, 'notes__echo');
      const client = await connect(world.bot);
      instead = (method) => (method === 'tools/call' ? answer : undefined);

      const toModel = await callAsAgent(tool, { message: 'one' });
      const error = refusalOf(toModel)?.error;
      expect(error).toMatchObject(expected(what, words));
      expect(error?.peerText?.length ?? 0).toBeLessThanOrEqual(300);
      expect(error?.peerText ?? '').not.toMatch(/[\r\n\u202e]/u);
      expect(toModel.text).not.toMatch(/quota|sign in|xxx/u);
      const thrown: unknown = await client.callTool(echo('one')).catch((reason: unknown) => reason);
      expect(credenceErrorIn(thrown)).toMatchObject(expected(what, words));

      instead = undefined;
      expect((await callAsAgent(tool, { message: 'two' })).text).toBe('two');
      expect(await client.callTool(echo('two'))).toEqual(echoed('two'));
      await client.close();
      await close();
    },
  );

  it.each(REPLIES)('has to initialize %s: connectMcp and loadTools name it', async (_what, answer, what, words) => {
    instead = (method) => (method === 'initialize' ? answer : undefined);
    await expect(connect(world.bot)).rejects.toMatchObject(expected(what, words));
    const { failures, close } = await loadTools(world.bot, ['notes'], { sdk });
    expect(failures).toMatchObject([{ server: 'notes', error: expected(what, words) }]);
    await close();
  });

  it.each([
    ['tools/call', { content: 'text' }],
    ['initialize', { protocolVersion: 7, capabilities: 'all' }],
  ])('has to %s a result that is not valid: the error names the server, in few words', async (at, result) => {
    const { tools, close } = await loadTools(world.bot, ['notes'], { sdk });
    // both SDKs count their requests from 0
    instead = (method) =>
      method === at ? { body: [0, 1, 2, 3].map((id) => ({ jsonrpc: '2.0', id, result })) } : undefined;
    if (at === 'initialize') {
      const thrown: unknown = await connect(world.bot).catch((reason: unknown) => reason);
      expect(thrown).toMatchObject({ code: 'invalid_response', contact: 'server-owner', server: 'notes' });
      expect(String(thrown).length).toBeLessThan(300);
    } else {
      const answer = await callAsAgent(toolNamed({ tools, failures: [] }, 'notes__echo'), { message: 'one' });
      expect(refusalOf(answer)?.error).toMatchObject({ code: 'invalid_response', contact: 'server-owner' });
      expect(answer.text).toContain('Server "notes"');
      expect(answer.text).not.toContain('expected');
    }
    await close();
  });

  it('has an HTTP error status with a JSON-RPC error: the error has the status, the code and the words', async () => {
    const { tools, close } = await loadTools(world.bot, ['notes'], { sdk });
    instead = (method) =>
      method === 'tools/call' ? { status: 500, body: rpcError(null, -32_603, 'Disk full') } : undefined;
    const tool = toolNamed({ tools, failures: [] }, 'notes__echo');
    expect(refusalOf(await callAsAgent(tool, { message: 'one' }))?.error).toMatchObject({
      code: 'peer_unavailable',
      status: 500,
      message: 'Server "notes" answered with HTTP status 500 and the JSON-RPC error -32603.',
      peerText: 'Disk full',
    });
    instead = (method) => (method === 'tools/call' ? { status: 500, body: '<h1>Oops</h1>' } : undefined);
    expect(refusalOf(await callAsAgent(tool, { message: 'one' }))?.error).toMatchObject({
      message: 'Server "notes" answered with HTTP status 500 instead of an MCP message.',
    });
    await close();
  });

  it('sends back the access token in a page: the error does not contain it', async () => {
    const client = await connect(world.bot);
    const { value } = await world.bot.token('notes');
    instead = (method) => (method === 'tools/call' ? { body: { error: `no tools for ${value}` } } : undefined);
    const thrown = credenceErrorIn(await client.callTool(echo('one')).catch((reason: unknown) => reason));
    expect(thrown?.peerText).toMatch(/^no tools for /u);
    expect(JSON.stringify(thrown)).not.toContain(value);
    await client.close();
  });

  it('sends nothing: a cancelled call is forgotten, and its late end is no error', async () => {
    const client = await connect(world.bot);
    instead = (method) => (method === 'tools/call' ? silence() : undefined);
    const caller = new AbortController();
    const call = client.callTool(echo('one'), undefined, { signal: caller.signal });
    caller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    instead = undefined;
    expect(await client.callTool(echo('two'))).toEqual(echoed('two'));
    await client.close();
  });
});

describe('a server that refuses the question for its revisions without its id', () => {
  it.each<[string, PeerAnswer]>([
    ['the id null', { body: rpcError(null, -32_601, 'Method not found') }],
    ['no id', { body: { jsonrpc: '2.0', error: { code: -32_601, message: 'Method not found' } } }],
  ])('is connected by SDK v2 with the older revision: %s', async (_what, answer) => {
    const started: { world?: SdkWorld } = {};
    const relay = await startRelay(
      () => started.world?.server.url ?? '',
      ({ body }) => (messageIn(body).method === 'server/discover' ? answer : undefined),
    );
    const url = `${relay.origin}/mcp`;
    const world = await startSdkWorld(startV1Streamable, { entry: { url, resource: url } });
    started.world = world;
    world.as.protect(url);
    const client = await connectV2(world.bot, 'notes');
    expect(await client.callTool(echo('one'))).toEqual(echoed('one'));
    await client.close();
    await relay.close();
    await world.close();
  });
});
