import { refusalOf } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  type RpcHandler,
  rpcError,
  type RpcRequest,
  type ScriptedServer,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import type { PeerAnswer } from '../support/peer.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

const done = { result: { content: [{ type: 'text', text: 'done' }] } };

/** What a server answers to a request with the id of a session that it has lost. */
const LOST: readonly [string, PeerAnswer][] = [
  ['404', { status: 404, body: rpcError(null, -32_001, 'Session not found') }],
  ['410', { status: 410 }],
  [
    '400 of the SDK examples',
    { status: 400, body: rpcError(null, -32_000, 'Bad Request: No valid session ID provided') },
  ],
  [
    '400 of a server that was restarted',
    { status: 400, body: rpcError(null, -32_000, 'Bad Request: Server not initialized') },
  ],
  ['422 of the Rust SDK', { status: 422, body: 'Unexpected message, expect initialize request' }],
  [
    '400 of the Python SDK before initialization',
    { status: 400, body: rpcError(null, -32_602, 'Received request before initialization was complete') },
  ],
  ['400 with a text', { status: 400, body: 'Invalid sessionId' }],
  ['401 invalid_token', { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }],
  ['500', { status: 500, body: '<h1>Internal Server Error</h1>' }],
  ['500 with a JSON-RPC error', { status: 500, body: rpcError(null, -32_603, 'Internal error') }],
  ['502', { status: 502 }],
  ['503', { status: 503, headers: { 'retry-after': '1' } }],
];

/** A server that loses `session-1` after the list was read, and answers every request with its id in this way. */
async function forgetful(answer: PeerAnswer, tool: object = listed('echo'), handlers: Record<string, RpcHandler> = {}) {
  const executed: RpcRequest[] = [];
  const inSession =
    (handler: RpcHandler): RpcHandler =>
    (request) =>
      request.session === 'session-1' ? { http: answer } : handler(request);
  const server = await world.serve({
    'tools/list': () => ({ result: { tools: [tool] } }),
    'tools/call': inSession((request) => {
      executed.push(request);
      return done;
    }),
    ping: inSession(() => ({ result: {} })),
    ...handlers,
  });
  return { server, executed };
}

describe.each(['v1', 'v2'] as const)('a session that the server has lost with SDK %s', (sdk) => {
  const load = async ({ url }: ScriptedServer) => toolNamed(await world.load({ s: url }, { sdk }), 's__echo');

  it.each(LOST)('and answers with %s is replaced by one new session, and the call runs once', async (_what, answer) => {
    const { server, executed } = await forgetful(answer);
    const tool = await load(server);
    expect((await callAsAgent(tool)).text).toBe('done');
    expect(executed.map(({ session }) => session)).toEqual(['session-2']);
    expect((await callAsAgent(tool)).text).toBe('done');
    expect(server.received('initialize')).toHaveLength(2);
  });

  it.each(LOST)('and answers with %s is replaced once for 20 calls at the same time', async (_what, answer) => {
    const { server, executed } = await forgetful(answer);
    const tool = await load(server);
    const calls = Array.from({ length: 20 }, async (_, index) => callAsAgent(tool, { index }));
    expect((await Promise.all(calls)).map(({ text }) => text)).toEqual(Array.from({ length: 20 }, () => 'done'));
    expect(executed).toHaveLength(20);
    expect(new Set(executed.map(({ params }) => JSON.stringify(params['arguments']))).size).toBe(20);
    expect(server.received('initialize')).toHaveLength(2);
  });

  it.each(LOST)('and answers with %s in every session ends in an error after the second', async (_what, answer) => {
    const { server, executed } = await forgetful(answer, listed('echo'), {
      'tools/call': () => ({ http: answer }),
      ping: () => ({ http: answer }),
    });
    const refused = await callAsAgent(await load(server));
    expect(refused.status).toBe('error');
    expect(refusalOf(refused)?.error).toMatchObject({ leg: 'call', server: 's', contact: 'server-owner' });
    expect(executed).toEqual([]);
    expect(new Set(server.received('tools/call').map(({ session }) => session)).size).toBe(2);
    expect(server.received('initialize')).toHaveLength(2);
  });

  it.each([
    ['Session not found', -32_001],
    ['Invalid session id', -32_600],
    ['Server not initialized', -32_000],
    ['Received request before initialization was complete', -32_602],
  ])('and answers 200 with the JSON-RPC error "%s" is replaced, and each call runs once', async (message, code) => {
    const executed: RpcRequest[] = [];
    const inSession =
      (handler: RpcHandler): RpcHandler =>
      (request) =>
        request.session === 'session-1' ? { error: { code, message } } : handler(request);
    const server = await world.serve({
      'tools/list': () => ({ result: { tools: [listed('echo')] } }),
      'tools/call': inSession((request) => {
        executed.push(request);
        return done;
      }),
      ping: inSession(() => ({ result: {} })),
    });
    const tool = await load(server);
    const calls = await Promise.all([callAsAgent(tool), callAsAgent(tool)]);
    expect(calls.map(({ text }) => text)).toEqual(['done', 'done']);
    expect(executed).toHaveLength(2);
    expect(server.received('initialize')).toHaveLength(2);
  });

  it('is not assumed if a JSON-RPC error about a session belongs to the tool', async () => {
    const server = await world.serve({
      'tools/list': () => ({ result: { tools: [listed('echo')] } }),
      'tools/call': () => ({ error: { code: -32_602, message: 'No browser session with this name' } }),
    });
    const answer = await callAsAgent(await load(server));
    expect(answer.text).toContain('No browser session with this name');
    expect(refusalOf(answer)).toBeUndefined();
    expect(server.received('initialize')).toHaveLength(1);
    expect(server.received('tools/call')).toHaveLength(1);
  });

  it.each([500, 502, 503])('is not assumed if %i belongs to the call alone', async (status) => {
    let calls = 0;
    const { server } = await forgetful({}, listed('echo'), {
      'tools/call': () => {
        calls += 1;
        return { http: { status } };
      },
      ping: () => ({ result: {} }),
    });
    const tool = await load(server);
    for (const call of [1, 2]) {
      expect(refusalOf(await callAsAgent(tool))?.error).toMatchObject({ code: 'peer_unavailable', status });
      expect(calls).toBe(call);
    }
    expect(server.received('initialize')).toHaveLength(1);
  });

  it.each([403, 405, 409, 415, 429, 501, 504])('is not assumed for the status %i', async (status) => {
    const { server } = await forgetful({ status });
    const tool = await load(server);
    expect((await callAsAgent(tool)).status).toBe('error');
    expect(server.received('initialize')).toHaveLength(1);
    expect(server.received('tools/call')).toHaveLength(1);
  });

  it.each([
    { idempotentHint: false },
    { destructiveHint: true },
    { readOnlyHint: false, idempotentHint: false, destructiveHint: false },
  ])(
    'after a 503 leads to a new session, but not to a second call of a tool with the annotations %j',
    async (annotations) => {
      const { server, executed } = await forgetful({ status: 503 }, listed('echo', { annotations }));
      const tool = await load(server);
      const failed = await callAsAgent(tool);
      expect(failed.text).toContain('may or may not have run');
      expect(refusalOf(failed)?.error).toMatchObject({ code: 'peer_unavailable', status: 503, retryable: false });
      expect(executed).toEqual([]);

      expect((await callAsAgent(tool)).text).toBe('done');
      expect(executed).toHaveLength(1);
      expect(server.received('initialize')).toHaveLength(2);
    },
  );

  it.each([{ readOnlyHint: true }, { idempotentHint: true, destructiveHint: true }, { title: 'Echo' }])(
    'after a 503 leads to a second call of a tool with the annotations %j',
    async (annotations) => {
      const { server, executed } = await forgetful({ status: 503 }, listed('echo', { annotations }));
      expect((await callAsAgent(await load(server))).text).toBe('done');
      expect(executed).toHaveLength(1);
    },
  );

  it('is replaced for a 404 also if the tool must not be called twice, because the call did not run', async () => {
    const annotations = { idempotentHint: false, destructiveHint: true };
    const { server, executed } = await forgetful({ status: 404 }, listed('echo', { annotations }));
    expect((await callAsAgent(await load(server))).text).toBe('done');
    expect(executed).toHaveLength(1);
  });

  it('is replaced while the list of tools is read', async () => {
    const server = await world.serve({
      'tools/list': ({ session, params }) => {
        if (params['cursor'] === undefined) return { result: { tools: [listed('one')], nextCursor: '2' } };
        return session === 'session-1' ? { http: { status: 410 } } : { result: { tools: [listed('two')] } };
      },
    });
    const { tools, failures } = await world.load({ s: server.url }, { sdk });
    expect(failures).toEqual([]);
    expect(tools.map(({ name }) => name)).toEqual(['s__one', 's__two']);
  });

  it('is not assumed for a refused token: the refusal is thrown', async () => {
    let refuses = false;
    const refuse: RpcHandler = () => ({ http: { status: 401 } });
    const { server } = await forgetful({}, listed('echo'), {
      'tools/call': (request) => (refuses ? refuse(request) : done),
      initialize: (request) => (refuses ? refuse(request) : { result: {} }),
    });
    const tool = await load(server);
    refuses = true;
    expect(refusalOf(await callAsAgent(tool))?.error).toMatchObject({ code: 'token_refused', status: 401 });
  });
});
