import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { stopTimeouts, whileTimePasses } from '../support/faked-time.ts';
import {
  type LangchainWorld,
  listed,
  type RpcAnswer,
  type RpcHandler,
  type RpcRequest,
  startLangchainWorld,
} from '../support/langchain-world.ts';
import { say } from '../support/oauth-world.ts';
import { drip, endless, silence } from '../support/peer.ts';

// a hundred requests over HTTP can take long on a busy machine
jest.setTimeout(30_000);

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => {
  jest.useRealTimers();
  await world.close();
});

const honest = async () => world.serve({ 'tools/list': () => ({ result: { tools: [listed('echo')] } }) });

/** Pages that a function of the page's number makes. The first page has the number 1. */
function pages(page: (number: number) => { tools: object[]; nextCursor?: string }): RpcHandler {
  return ({ params }) => ({ result: page(Number(params['cursor'] ?? 1)) });
}

const longList: RpcHandler = pages((number) => ({ tools: [listed(`tool_${number}`)], nextCursor: `${number + 1}` }));

interface Attack {
  readonly attack: string;
  readonly list: RpcHandler;
  readonly limits?: { pages?: number; tools?: number; bytes?: number; totalMs?: number };
  readonly code: string;
  readonly message: string;
  readonly loaded: number;
  /** The greatest number of requests for a page. */
  readonly requests: number;
}

const ATTACKS: readonly Attack[] = [
  {
    attack: 'a list without end',
    list: longList,
    code: 'response_too_large',
    message: 'more than 100 pages',
    loaded: 100,
    requests: 100,
  },
  {
    attack: 'pages without tools',
    list: pages((number) => ({ tools: [], nextCursor: `${number + 1}` })),
    limits: { pages: 7 },
    code: 'response_too_large',
    message: 'more than 7 pages',
    loaded: 0,
    requests: 7,
  },
  {
    attack: 'the same cursor again and again',
    list: pages((number) => ({ tools: [listed(`tool_${number}`)], nextCursor: '2' })),
    code: 'invalid_response',
    message: 'has no end',
    loaded: 2,
    requests: 2,
  },
  {
    attack: 'cursors in a circle',
    list: pages((number) => ({ tools: [listed(`tool_${number}`)], nextCursor: `${number < 6 ? number + 1 : 2}` })),
    code: 'invalid_response',
    message: 'has no end',
    loaded: 6,
    requests: 6,
  },
  {
    attack: 'a page of a hundred thousand tools',
    list: pages(() => ({ tools: Array.from({ length: 100_000 }, (_, index) => listed(`tool_${index}`)) })),
    code: 'response_too_large',
    message: 'more than 1000 tools',
    loaded: 1_000,
    requests: 1,
  },
  {
    attack: 'more tools than the limit, on several pages',
    list: pages((number) => ({
      tools: [1, 2, 3].map((index) => listed(`tool_${number}_${index}`)),
      nextCursor: `${number + 1}`,
    })),
    limits: { tools: 10 },
    code: 'response_too_large',
    message: 'more than 10 tools',
    loaded: 10,
    requests: 4,
  },
  {
    attack: 'a description of fifty megabytes on the second page',
    list: pages((number) =>
      number === 1
        ? { tools: [listed('first')], nextCursor: '2' }
        : { tools: [listed('second', { description: 'x'.repeat(50_000_000) })] },
    ),
    code: 'response_too_large',
    message: 'more than 10000000 bytes',
    loaded: 1,
    requests: 2,
  },
  {
    attack: 'a cursor that becomes longer and longer',
    list: ({ params }) => ({
      result: {
        tools: [listed(`tool_${JSON.stringify(params['cursor'] ?? '').length}`)],
        nextCursor: `${JSON.stringify(params['cursor'] ?? '')}${'x'.repeat(10_000)}`,
      },
    }),
    limits: { bytes: 100_000 },
    code: 'response_too_large',
    message: 'more than 100000 bytes',
    loaded: 3,
    requests: 4,
  },
  {
    attack: 'a body without end',
    list: () => ({ http: endless({ chunk: ' '.repeat(65_536) }) }),
    limits: { bytes: 1_000_000 },
    code: 'response_too_large',
    message: 'more than 1000000 bytes',
    loaded: 0,
    requests: 1,
  },
  {
    attack: 'notifications without end instead of the list',
    list: () => ({
      http: endless({
        headers: { 'content-type': 'text/event-stream' },
        chunk: 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'.repeat(100),
      }),
    }),
    limits: { bytes: 1_000_000 },
    code: 'response_too_large',
    message: 'more than 1000000 bytes',
    loaded: 0,
    requests: 1,
  },
];

describe.each(['v1', 'v2'] as const)('with SDK %s', (sdk) => {
  it.each(ATTACKS)('$attack ends with the tools before it and a failure', async (attack) => {
    const [good, hostile] = [await honest(), await world.serve({ 'tools/list': attack.list })];
    const { tools, failures } = await world.load(
      { good: good.url, hostile: hostile.url },
      { sdk, ...(attack.limits && { limits: attack.limits }) },
    );
    expect(failures).toMatchObject([
      {
        server: 'hostile',
        loaded: attack.loaded,
        error: { code: attack.code, leg: 'call', contact: 'server-owner', server: 'hostile' },
      },
    ]);
    expect(failures[0]?.error.message).toContain(attack.message);
    expect(tools.map(({ name }) => name)).toContain('good__echo');
    expect(tools).toHaveLength(attack.loaded + 1);
    expect(hostile.received('tools/list').length).toBeLessThanOrEqual(attack.requests);
    expect(hostile.peer.bytesWritten()).toBeLessThan(20_000_000);
  });

  it.each<[string, RpcHandler, number]>([
    ['a server that never answers', () => ({ http: silence() }), 0],
    ['a body that comes byte by byte', () => ({ http: drip({ body: ' '.repeat(1_000), everyMs: 20 }) }), 0],
    ['pages that come slowly', slowly(async (request) => longList(request), 100), 1],
    [
      'an event stream that only keeps the connection alive',
      () => ({ http: endless({ headers: { 'content-type': 'text/event-stream' }, chunk: ': alive\n\n' }) }),
      0,
    ],
  ])('%s ends after limits.totalMs, and the honest server does not wait longer', async (_what, list, atLeast) => {
    const [good, hostile] = [await honest(), await world.serve({ 'tools/list': list })];
    const started = performance.now();
    const { tools, failures } = await world.load(
      { good: good.url, hostile: hostile.url },
      { sdk, limits: { totalMs: 700 } },
    );
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(failures).toMatchObject([{ server: 'hostile', error: { code: 'timeout' } }]);
    expect(failures[0]?.error.message).toContain('within 700 milliseconds');
    expect(failures[0]?.loaded).toBeGreaterThanOrEqual(atLeast);
    expect(tools.map(({ name }) => name)).toContain('good__echo');
  });

  it.each<[string, RpcHandler]>([
    ['initialize', () => ({ http: silence() })],
    ['notifications/initialized', () => ({ http: silence() })],
  ])('a server that never answers %s ends after limits.totalMs', async (method, answer) => {
    const hostile = await world.serve({ [method]: answer });
    const { failures } = await world.load({ hostile: hostile.url }, { sdk, limits: { totalMs: 500 } });
    expect(failures).toMatchObject([{ server: 'hostile', loaded: 0, error: { code: 'timeout' } }]);
  });

  it('an IdP that never answers ends after limits.totalMs too, and the words do not blame the server', async () => {
    const server = await honest();
    world.oauth.idp.script.always('exchange', say(silence()));
    const { failures } = await world.load({ s: server.url }, { sdk, limits: { totalMs: 300 } });
    expect(failures).toMatchObject([{ server: 's', loaded: 0, error: { code: 'timeout' } }]);
    expect(failures[0]?.error.message).toBe(
      'The list of tools of server "s" was not complete within 300 milliseconds.',
    );
    expect(failures[0]?.error.remedy).toContain('diagnose("s")');
  });

  it('keeps the tools of the pages before one that fails', async () => {
    const hostile = await world.serve({
      'tools/list': ({ params }) =>
        params['cursor'] === undefined
          ? { result: { tools: [listed('first')], nextCursor: '2' } }
          : { error: { code: -32_603, message: 'the second page is broken' } },
    });
    const { tools, failures } = await world.load({ hostile: hostile.url }, { sdk });
    expect(tools.map(({ name }) => name)).toEqual(['hostile__first']);
    expect(failures).toMatchObject([
      {
        loaded: 1,
        error: {
          message: 'Server "hostile" answered with the JSON-RPC error -32603.',
          peerText: 'the second page is broken',
        },
      },
    ]);
  });

  it('reads lists of several honest servers with many pages completely', async () => {
    const many = pages((number) => ({
      tools: [listed(`tool_${number}`)],
      ...(number < 60 && { nextCursor: `${number + 1}` }),
    }));
    const servers = await Promise.all([1, 2, 3].map(async () => world.serve({ 'tools/list': many })));
    const { tools, failures } = await world.load(
      Object.fromEntries(servers.map(({ url }, index) => [`s${index}`, url])),
      { sdk },
    );
    expect(failures).toEqual([]);
    expect(tools).toHaveLength(180);
  });

  it('does not read the list again when a connection is replaced, and a list_changed does not make it do so', async () => {
    let lost = false;
    const server = await world.serve({
      'tools/list': longList,
      'tools/call': ({ session, id }) => {
        if (session === 'session-1' && !lost) {
          lost = true;
          return { http: { status: 404 } };
        }
        const changed = 'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'.repeat(200);
        const result = JSON.stringify({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'done' }] } });
        return {
          http: { headers: { 'content-type': 'text/event-stream' }, body: `${changed}data: ${result}\n\n` },
        };
      },
    });
    const { tools } = await world.load({ s: server.url }, { sdk, limits: { pages: 2 } });
    expect(await tools[0]?.invoke({})).toBe('done');
    expect(server.received('initialize')).toHaveLength(2);
    expect(server.received('tools/list')).toHaveLength(2);
  });

  it('uses the first tool of each name, and says which names a server lists twice', async () => {
    const server = await world.serve({
      'tools/list': pages((number) => ({
        tools: [
          listed('echo', { description: `from page ${number}` }),
          listed(`only_${number}`),
          ...(number === 2 ? [listed('echo', { description: 'again' })] : []),
        ],
        ...(number === 1 && { nextCursor: '2' }),
      })),
    });
    const { tools, failures } = await world.load({ s: server.url }, { sdk });
    expect(tools.map(({ name, description }) => [name, description])).toEqual([
      ['s__echo', 'from page 1'],
      ['s__only_1', ''],
      ['s__only_2', ''],
    ]);
    expect(failures).toMatchObject([{ server: 's', loaded: 3, error: { code: 'invalid_response' } }]);
    expect(failures[0]?.error.message).toBe('Server "s" lists more than one tool of the same name: ["echo"].');
  });
});

it.each([
  { options: {}, seconds: 60 },
  { options: { connectTimeoutMs: 45_000 }, seconds: 90 },
  { options: { connectTimeoutMs: 45_000, limits: { totalMs: 5_000 } }, seconds: 5 },
])('ends the loading of a server after $seconds seconds with the options $options', async ({ options, seconds }) => {
  const slow = await world.serve({ 'notifications/initialized': () => ({ http: silence() }) });
  stopTimeouts();
  const loading = world.load({ slow: slow.url }, { deadlineMs: 600_000, ...options });
  const { failures } = await whileTimePasses(loading, () => slow.received('notifications/initialized').length > 0);
  expect(failures[0]?.error).toMatchObject({ code: 'timeout' });
  expect(failures[0]?.error.message).toContain(`within ${seconds * 1_000} milliseconds`);
});

it.each([{ pages: 0 }, { tools: -1 }, { bytes: 1.5 }, { totalMs: 2 ** 31 }, { page: 1 }])(
  'refuses the limits %j',
  async (limits) => {
    await expect(world.load({}, { limits })).rejects.toMatchObject({ code: 'invalid_configuration' });
  },
);

/** Answers after some time. */
function slowly(handler: (request: RpcRequest) => Promise<RpcAnswer>, ms: number): RpcHandler {
  return async (request) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return handler(request);
  };
}
