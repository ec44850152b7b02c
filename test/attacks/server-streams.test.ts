import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { credenceErrorIn, ServicePrincipal, clientSecret } from '@credence/core';
import * as v1 from '@credence/sdk-adapter';
import * as v2 from '@credence/sdk-adapter/v2';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  type RpcHandler,
  type ScriptedServer,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import type { WireAnswer } from '../support/peer.ts';

jest.setTimeout(30_000);

let world: LangchainWorld;
const writeWarning = jest.fn();

beforeEach(async () => {
  world = await startLangchainWorld();
  process.on('warning', writeWarning);
});
afterEach(async () => {
  process.off('warning', writeWarning);
  await world.close();
  expect(writeWarning).not.toHaveBeenCalled();
});

const events = (...lines: string[]): WireAnswer => ({
  onWire({ response }) {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(lines.join('\n') + '\n\n');
  },
});

const TOOLS: Readonly<Record<string, RpcHandler>> = { 'tools/list': () => ({ result: { tools: [listed('echo')] } }) };

/** The responses to the requests of the server. */
function responses({ peer }: ScriptedServer): readonly unknown[] {
  return peer.received('POST /mcp').filter(({ body }) => /"id":"p\d+"/u.test(body));
}

async function connected(sdk: 'v1' | 'v2', url: string, options: { transport?: 'sse' } = {}) {
  const { idp, as, idpClient, asClient } = world.oauth;
  as.protect(url);
  const credential = (client: typeof idpClient) =>
    clientSecret({ clientId: client.clientId, secret: client.secret ?? '' });
  const bot = new ServicePrincipal({
    idp: { issuer: idp.issuer, credential: credential(idpClient) },
    retry: { retries: 0 },
    servers: { s: { url, resource: url, issuer: as.issuer, credential: credential(asClient), scopes: ['tools:read'] } },
  });
  world.onClose(async () => bot.close());
  const client = sdk === 'v1' ? await v1.connectMcp(bot, 's', options) : await v2.connectMcp(bot, 's', options);
  world.onClose(async () => client.close());
  const call = async (timeout = 5_000): Promise<unknown> =>
    (client instanceof Object && sdk === 'v1'
      ? (client as Awaited<ReturnType<typeof v1.connectMcp>>).callTool({ name: 'echo' }, undefined, { timeout })
      : (client as Awaited<ReturnType<typeof v2.connectMcp>>).callTool({ name: 'echo' }, { timeout })
    ).catch((error: unknown) => error);
  return { bot, call };
}

describe.each(['v1', 'v2'] as const)('with SDK %s', (sdk) => {
  const flood =
    (count: number): RpcHandler =>
    ({ id }) => ({
      http: {
        async onWire({ response, write, signal }) {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          for (let at = 0; at < count; at += 1) {
            await write(`data: {"jsonrpc":"2.0","id":"p${at}","method":"ping"}\n\n`);
            if (at % 10 === 9 && count < 100) await new Promise((resolve) => setTimeout(resolve, 20));
          }
          if (count > 100 || signal.aborted) return;
          response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`);
        },
      },
    });

  it('a server that sends a flood of requests gets few responses, and the connection ends with the reason', async () => {
    const server = await world.serve({ ...TOOLS, 'tools/call': flood(5_000) });
    const { call } = await connected(sdk, server.url);
    expect(credenceErrorIn(await call(25_000))).toMatchObject({
      code: 'invalid_response',
      server: 's',
      message: expect.stringMatching(/more than \d+ requests to this client/u) as unknown,
    });
    expect(responses(server).length).toBeLessThan(1_001);
  });

  it('the tools of an agent work on a new connection after such a flood', async () => {
    let calls = 0;
    const server = await world.serve({
      ...TOOLS,
      'tools/call': (request) => {
        calls += 1;
        return calls === 1 ? flood(5_000)(request) : { result: { content: [{ type: 'text', text: 'done' }] } };
      },
    });
    const tool = toolNamed(await world.load({ s: server.url }, { sdk }), 's__echo');
    expect((await callAsAgent(tool)).text).toMatch(/requests to this client/u);
    expect((await callAsAgent(tool)).text).toBe('done');
  });

  it('some requests of the server are responded to', async () => {
    const server = await world.serve({ ...TOOLS, 'tools/call': flood(50) });
    const { call } = await connected(sdk, server.url);
    expect(await call()).toMatchObject({ content: [] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(responses(server)).toHaveLength(50);
  });

  it.each([
    ['0', '0'],
    ['above the longest timer', '999999999999'],
    ['of many digits', '9'.repeat(5_000)],
  ])(
    'a stream that always ends, with a retry time %s, is opened few times, and not after the call',
    async (_which, retry) => {
      let ids = 0;
      const ending: RpcHandler = ({ http }) => {
        if (http.method === 'GET' && http.headers['last-event-id'] === undefined) return { http: { status: 405 } };
        ids += 1;
        return { http: events(`retry: ${retry}`, `id: ${ids}`, 'data: ') };
      };
      const server = await world.serve({ ...TOOLS, GET: ending, 'tools/call': ending });
      const { call } = await connected(sdk, server.url);
      expect(await call(1_200)).toMatchObject({ message: expect.stringContaining('timed out') as unknown });
      const gets = server.peer.received('GET /mcp').length;
      expect(gets).toBeLessThan(5);
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      expect(server.peer.received('GET /mcp')).toHaveLength(gets);
    },
  );

  it('a call gets its response after the server has ended the stream', async () => {
    const server = await world.serve({
      ...TOOLS,
      GET: ({ http }) =>
        http.headers['last-event-id'] === 'a1'
          ? { http: events(`data: {"jsonrpc":"2.0","id":${called},"result":{"content":[]}}`) }
          : { http: { status: 405 } },
      'tools/call': ({ id }) => {
        called = id ?? 0;
        return { http: events('retry: 600', 'id: a1', 'data: ') };
      },
    });
    let called: number | string = 0;
    const { call } = await connected(sdk, server.url);
    expect(await call()).toMatchObject({ content: [] });
  });

  it('a GET stream with an event above the limit is not opened again', async () => {
    const server = await world.serve({
      ...TOOLS,
      GET: () => ({ http: events(`data: ${'x'.repeat(17_000_000)}`) }),
      'tools/call': () => ({ result: { content: [] } }),
    });
    const { call } = await connected(sdk, server.url);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await call()).toMatchObject({ content: [] });
    expect(server.peer.received('GET /mcp')).toHaveLength(1);
  });

  it.each([
    ['many messages', `[${'{"jsonrpc":"2.0","id":99,"result":{}},'.repeat(100_000)}1]`],
    ['many levels', `{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`],
  ])('a body of %s is refused', async (_what, body) => {
    const headers = { 'content-type': 'application/json' };
    const server = await world.serve({ ...TOOLS, 'tools/call': () => ({ http: { headers, body } }) });
    const { call } = await connected(sdk, server.url);
    expect(credenceErrorIn(await call())).toMatchObject({ code: 'response_too_large' });
  });

  const spellings: readonly (readonly [string, (token: string) => string])[] = [
    ['as it is', (token) => token],
    ['in base64', (token) => Buffer.from(token).toString('base64')],
    ['in hexadecimal digits', (token) => Buffer.from(token).toString('hex')],
  ];
  const errors: readonly (readonly [string, (text: string) => ReturnType<RpcHandler>])[] = [
    ['a JSON-RPC error', (text) => ({ error: { code: -1, message: `x ${text}`, data: { [text]: text } } })],
    ['an error of a tool', (text) => ({ result: { isError: true, content: [{ type: 'text', text: `x ${text}` }] } })],
    ['an HTTP error', (text) => ({ http: { status: 418, body: `x ${text}` } })],
    ['an HTTP error of the server', (text) => ({ http: { status: 500, body: `x ${text}` } })],
    [
      'a content type',
      (text) => ({ http: { headers: { 'content-type': `text/${text.replaceAll('=', '')}` }, body: 'x' } }),
    ],
  ];
  describe.each(errors)('%s', (_error, answer) => {
    it.each(spellings)('has no access token %s', async (_spelling, spell) => {
      let token = '';
      const server = await world.serve({
        ...TOOLS,
        'tools/call': ({ http }) => {
          token = spell(http.headers.authorization?.slice('Bearer '.length) ?? '');
          return answer(token);
        },
      });
      const { call } = await connected(sdk, server.url);
      const outcome = await call();
      const shown = outcome instanceof Error ? `${outcome.message} ${outcome.stack}` : '';
      expect(`${shown} ${JSON.stringify(outcome)}`).not.toContain(token.slice(0, 20));
      expect(`${shown} ${JSON.stringify(outcome)}`).toMatch(/\[redacted\]|an unusual content type/u);
      const tool = toolNamed(await world.load({ s: server.url }, { sdk }), 's__echo');
      expect((await callAsAgent(tool)).text).not.toContain(token.slice(0, 20));
    });
  });

  it.each(['https://other.example/x', 'javascript:1', 'http://'])(
    'the SSE endpoint %s is refused',
    async (endpoint) => {
      const server = await world.serve({
        GET: () => ({
          http: {
            onWire: ({ response }) => {
              response.writeHead(200, { 'content-type': 'text/event-stream' });
              response.write(`event: endpoint\ndata: ${endpoint}\n\n`);
            },
          },
        }),
      });
      await expect(connected(sdk, server.url, { transport: 'sse' })).rejects.toMatchObject({
        name: 'CredenceError',
        code: 'cross_origin_refused',
        server: 's',
      });
    },
  );
});
