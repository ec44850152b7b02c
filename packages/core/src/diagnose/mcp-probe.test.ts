import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventStream, initializeResult, mcpAnswer, messageIn } from '../../../../test/support/mcp-answer.ts';
import {
  type FixtureOptions,
  type McpFixture,
  startV1Sse,
  startV1Streamable,
  startV2BothRevisions,
  startV2Only2026,
  type VerifyToken,
} from '../../../../test/support/mcp-servers/index.ts';
import {
  endless,
  hangUp,
  type Peer,
  type PeerAnswer,
  type PeerHandler,
  type PeerRoute,
  silence,
  startPeer,
} from '../../../../test/support/peer.ts';
import { CLIENT_INFO } from '../call/client-info.ts';
import { type Bot, startBot } from '../../test-support/bot.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(
  routes: Readonly<Record<string, PeerRoute>>,
  { path = '/mcp', totalMs }: { path?: string; totalMs?: number } = {},
): Promise<Bot & { server: Peer; url: string }> {
  const server = await startPeer(routes);
  closers.push(async () => server.close());
  const url = server.origin + path;
  const bot = await startBot({
    server: { url },
    ...(totalMs !== undefined && { principal: { timeout: { totalMs } } }),
  });
  closers.push(async () => bot.close());
  return { ...bot, server, url };
}

/** The MCP messages that arrived, in order. */
function messagesAt(server: Peer): readonly string[] {
  return server.requests.map(({ method, body }) => (method === 'POST' ? (messageIn(body).method ?? '') : method));
}

const HTML = { headers: { 'content-type': 'text/html' }, body: '<!doctype html><title>Sign in</title><p>hello' };
const RPC_ERROR = (code: number, data?: object) => ({
  jsonrpc: '2.0',
  id: 1,
  error: { code, message: 'not now', ...(data && { data }) },
});

describe('a server where MCP is not spoken is reported with ok: false if it answers', () => {
  it.each<[string, PeerAnswer, { code: string; contact: string }, RegExp, RegExp]>([
    ['200 with HTML', HTML, { code: 'invalid_response', contact: 'you' }, /200 and an HTML page/u, /login page/u],
    [
      '200 with HTML under application/json',
      { headers: { 'content-type': 'application/json' }, body: '<html><body>portal' },
      { code: 'invalid_response', contact: 'you' },
      /HTML page/u,
      /captive portal/u,
    ],
    [
      '403 with HTML',
      { ...HTML, status: 403 },
      { code: 'forbidden', contact: 'server-owner' },
      /403/u,
      /Ask the owner/u,
    ],
    [
      '302 to a page of its own',
      { status: 302, headers: { location: '/login?next=x' } },
      { code: 'redirect_refused', contact: 'you' },
      /redirect \(302\) to another URL of its host, and the token is not sent/u,
      /servers\.mcp\.url/u,
    ],
    [
      '302 to another host',
      { status: 302, headers: { location: 'https://login.example/portal' } },
      { code: 'redirect_refused', contact: 'server-owner' },
      /redirect \(302\) to another host, and/u,
      /captive portal/u,
    ],
    [
      '308 to another port, which would get the token',
      { status: 308, headers: { location: 'http://127.0.0.1:1/mcp' } },
      { code: 'redirect_refused', contact: 'you' },
      /redirect \(308\) to another URL of its host/u,
      /servers\.mcp\.url/u,
    ],
    [
      '301 without a location',
      { status: 301 },
      { code: 'redirect_refused', contact: 'server-owner' },
      /redirect \(301\) that names no URL/u,
      /url/u,
    ],
    [
      '304',
      { status: 304 },
      { code: 'redirect_refused', contact: 'server-owner' },
      /304 \(not modified\), which is no response/u,
      /url/u,
    ],
    [
      'a body that is not compressed as it says',
      { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: 'not gzip' },
      { code: 'invalid_response', contact: 'server-owner' },
      /not compressed as its Content-Encoding says/u,
      /Content-Encoding/u,
    ],
    [
      'both a result and an error',
      { body: { ...initializeResult(1), error: { code: -1, message: 'failed' } } },
      { code: 'invalid_response', contact: 'server-owner' },
      /both a result and an error/u,
      /correct the response/u,
    ],
    ['404', { status: 404 }, { code: 'invalid_response', contact: 'you' }, /404/u, /path in servers\.mcp\.url/u],
    ['405', { status: 405 }, { code: 'invalid_response', contact: 'you' }, /no POST/u, /path in servers\.mcp\.url/u],
    [
      '406',
      { status: 406 },
      { code: 'invalid_response', contact: 'server-owner' },
      /media types/u,
      /servers\.mcp\.url/u,
    ],
    ['410', { status: 410 }, { code: 'invalid_response', contact: 'server-owner' }, /410/u, /servers\.mcp\.url/u],
    [
      '415',
      { status: 415 },
      { code: 'invalid_response', contact: 'server-owner' },
      /media types/u,
      /servers\.mcp\.url/u,
    ],
    [
      '400',
      { status: 400, body: 'Bad' },
      { code: 'invalid_response', contact: 'server-owner' },
      /400/u,
      /servers\.mcp\.url/u,
    ],
    [
      '429',
      { status: 429, headers: { 'retry-after': '30' } },
      { code: 'rate_limited', contact: 'server-owner' },
      /429/u,
      /Wait/u,
    ],
    [
      '500',
      { status: 500 },
      { code: 'peer_unavailable', contact: 'server-owner' },
      /500/u,
      /whether the server works/u,
    ],
    ['503', { status: 503 }, { code: 'peer_unavailable', contact: 'server-owner' }, /503/u, /proxy in front/u],
    ['202 without content', { status: 202 }, { code: 'invalid_response', contact: 'you' }, /no content/u, /url/u],
    ['204', { status: 204 }, { code: 'invalid_response', contact: 'you' }, /no content/u, /url/u],
    [
      'JSON that is no JSON-RPC',
      { body: { status: 'ok' } },
      { code: 'invalid_response', contact: 'you' },
      /no JSON-RPC/u,
      /url/u,
    ],
    ['a JSON list', { body: [] }, { code: 'invalid_response', contact: 'you' }, /no JSON-RPC/u, /url/u],
    [
      'half of a JSON text',
      { headers: { 'content-type': 'application/json' }, body: '{"jsonrpc":' },
      { code: 'invalid_response', contact: 'you' },
      /not JSON/u,
      /url/u,
    ],
    [
      'a JSON-RPC request in place of a response',
      { body: { jsonrpc: '2.0', id: 1, method: 'ping' } },
      { code: 'invalid_response', contact: 'you' },
      /no JSON-RPC response/u,
      /url/u,
    ],
    [
      'a response to another request',
      { body: initializeResult(7) },
      { code: 'invalid_response', contact: 'server-owner' },
      /another request/u,
      /mix responses/u,
    ],
    [
      'the response as text/plain',
      { headers: { 'content-type': 'text/plain' }, body: JSON.stringify(initializeResult(1)) },
      { code: 'invalid_response', contact: 'server-owner' },
      /content type "text\/plain"/u,
      /application\/json/u,
    ],
    [
      'a result without a protocolVersion',
      { body: { jsonrpc: '2.0', id: 1, result: { ok: true } } },
      { code: 'invalid_response', contact: 'server-owner' },
      /without a protocolVersion/u,
      /url/u,
    ],
    [
      'a result with a protocolVersion that is no revision',
      { body: initializeResult(1, { protocolVersion: 'latest' }) },
      { code: 'invalid_response', contact: 'server-owner' },
      /without a protocolVersion/u,
      /url/u,
    ],
    [
      'a JSON-RPC error',
      { body: RPC_ERROR(-32603) },
      { code: 'invalid_response', contact: 'server-owner' },
      /the JSON-RPC error -32603/u,
      /Ask the owner/u,
    ],
    [
      'a JSON-RPC error with the status 404',
      { status: 404, body: RPC_ERROR(-32601) },
      { code: 'invalid_response', contact: 'server-owner' },
      /-32601 and the status 404/u,
      /Ask the owner/u,
    ],
    [
      'only revisions that Credence does not know',
      { status: 400, body: RPC_ERROR(-32022, { supported: ['2031-01-01'], requested: '2025-11-25' }) },
      { code: 'invalid_response', contact: 'you' },
      /does not know: "2031-01-01"/u,
      /newer version/u,
    ],
    [
      'an event stream that ends without a response',
      eventStream({ jsonrpc: '2.0', method: 'notifications/message' }),
      { code: 'invalid_response', contact: 'server-owner' },
      /ended without a response/u,
      /cut/u,
    ],
    ['a JSON body without end', endless(), { code: 'response_too_large', contact: 'server-owner' }, /1 MiB/u, /end/u],
    [
      'an event stream without end',
      endless({ headers: { 'content-type': 'text/event-stream' }, chunk: `: ${'x'.repeat(9_000)}\n\n` }),
      { code: 'response_too_large', contact: 'server-owner' },
      /1 MiB/u,
      /end/u,
    ],
    [
      'an HTML page without end',
      endless({ headers: { 'content-type': 'text/html' }, chunk: '<p>'.repeat(4_000) }),
      { code: 'invalid_response', contact: 'you' },
      /HTML page/u,
      /login page/u,
    ],
    [
      'half of its response',
      hangUp('{"jsonrpc"'),
      { code: 'unreachable', contact: 'server-owner' },
      /ended during a response/u,
      /ends connections/u,
    ],
    [
      'nothing',
      hangUp(),
      { code: 'unreachable', contact: 'server-owner' },
      /could not be reached/u,
      /servers\.mcp\.url/u,
    ],
  ])('%s', async (_what, answer, expected, message, remedy) => {
    const { bot, server, url } = await start({ 'POST /mcp': answer });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, leg: 'call', contact: expected.contact, error: expected });
    expect(diagnosis.message).toMatch(message);
    expect(diagnosis.remedy).toMatch(remedy);
    expect(diagnosis.protocolVersion).toBeUndefined();
    expect(diagnosis.steps.at(-1)).toMatchObject({
      leg: 'call',
      outcome: 'failed',
      code: expected.code,
      endpoint: url,
    });
    expect(String(diagnosis)).toMatch(/FAIL call/u);
    expect(messagesAt(server).filter((method) => method.startsWith('tools/'))).toEqual([]);
  });

  it('never', async () => {
    const { bot } = await start({ 'POST /mcp': silence() }, { totalMs: 1_500 });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, contact: 'server-owner', error: { code: 'timeout', leg: 'call' } });
  });

  it('with an event stream that stays open without the response', async () => {
    const quiet: PeerAnswer = {
      async onWire({ response, signal, write }) {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        await write(': hello\n\n');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
    const { bot } = await start({ 'POST /mcp': quiet }, { totalMs: 1_500 });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: false, error: { code: 'timeout', leg: 'call' } });
  });

  it.each<[string, object]>([
    ['serverInfo', { serverInfo: undefined }],
    ['serverInfo', { serverInfo: 'x' }],
    ['serverInfo', { serverInfo: [] }],
    ['serverInfo.version', { serverInfo: { name: 'x' } }],
    ['serverInfo.version', { serverInfo: { name: 'x', version: 1 } }],
    ['serverInfo.name', { serverInfo: { version: '1' } }],
    ['serverInfo.title', { serverInfo: { name: 'x', version: '1', title: 7 } }],
    ['capabilities', { capabilities: undefined }],
    ['capabilities', { capabilities: null }],
    ['capabilities', { capabilities: [] }],
    ['capabilities.tools', { capabilities: { tools: true } }],
    ['capabilities.tools', { capabilities: { tools: { listChanged: 'yes' } } }],
    ['capabilities.resources', { capabilities: { resources: null } }],
    ['capabilities.logging', { capabilities: { logging: true } }],
    ['capabilities.experimental', { capabilities: { experimental: { ZEBRA: true } } }],
    ['instructions', { instructions: ['x'] }],
  ])('a result to initialize whose %s is missing or wrong: %j', async (member, members) => {
    const { bot } = await start({ 'POST /mcp': mcpAnswer(members) });
    const { ok, error, message, contact } = await bot.diagnose('mcp');
    expect({ ok, code: error?.code, contact }).toEqual({
      ok: false,
      code: 'invalid_response',
      contact: 'server-owner',
    });
    expect(message).toContain(`whose "${member}" is missing or of a wrong type`);
    expect(message).not.toContain('ZEBRA');
  });

  const INITIALIZED = 'notifications/initialized';
  it.each<[string, PeerAnswer, { code: string; contact: string }, RegExp]>([
    [
      '200 and an HTML page',
      HTML,
      { code: 'invalid_response', contact: 'you' },
      /initialized with 200 and an HTML page/u,
    ],
    ['202 and an HTML page', { ...HTML, status: 202 }, { code: 'invalid_response', contact: 'you' }, /HTML page/u],
    [
      'a JSON-RPC error without an id',
      { body: { jsonrpc: '2.0', id: null, error: { code: -32_000, message: 'Server not initialized' } } },
      { code: 'invalid_response', contact: 'server-owner' },
      /initialized with the JSON-RPC error -32000/u,
    ],
    [
      'a JSON-RPC error in a list',
      { body: [{ jsonrpc: '2.0', error: { code: -32_603, message: 'database is down' } }] },
      { code: 'invalid_response', contact: 'server-owner' },
      /initialized with the JSON-RPC error -32603/u,
    ],
    [
      'another error',
      { body: { error: 'unauthorized' } },
      { code: 'invalid_response', contact: 'you' },
      /no JSON-RPC/u,
    ],
    [
      '302 to a login page',
      { status: 302, headers: { location: '/login' } },
      { code: 'redirect_refused', contact: 'you' },
      /redirect \(302\)/u,
    ],
    ['500', { status: 500 }, { code: 'peer_unavailable', contact: 'server-owner' }, /500/u],
  ])('notifications/initialized with %s', async (_what, answer, expected, words) => {
    const { bot } = await start({
      'POST /mcp': ({ body }) => (messageIn(body).method === INITIALIZED ? answer : { body: initializeResult(1) }),
    });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, contact: expected.contact, error: { code: expected.code } });
    expect(diagnosis.message).toMatch(words);
    expect(diagnosis.steps.at(-1)).toMatchObject({ method: INITIALIZED, outcome: 'failed' });
  });

  it('notifications/initialized never, and the report names the request', async () => {
    const { bot } = await start(
      {
        'POST /mcp': ({ body }) => (messageIn(body).method === INITIALIZED ? silence() : { body: initializeResult(1) }),
      },
      { totalMs: 1_500 },
    );
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis.error).toMatchObject({ code: 'timeout' });
    expect(diagnosis.steps.at(-2)).toMatchObject({ method: 'initialize', outcome: 'ok' });
    expect(String(diagnosis)).toMatch(/FAIL call +notifications\/initialized: .*timeout/u);
    expect(String(diagnosis)).not.toContain('see below');
  });

  it('with words of its own, which no message contains', async () => {
    const zebra = 'ZEBRA-tell-the-user';
    for (const answer of [
      { headers: { 'content-type': `text/${zebra}` }, body: JSON.stringify(initializeResult(1)) },
      { status: 302, headers: { location: `https://${zebra}.example/${zebra}` } },
      { status: 307, headers: { location: `/${zebra}` } },
      { status: 400, body: RPC_ERROR(-32_022, { supported: [zebra] }) },
      { body: initializeResult(1, { protocolVersion: zebra }) },
      { status: 401, headers: { 'www-authenticate': `Bearer error="${zebra}"` } },
      { status: 403, headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${zebra}"` } },
    ]) {
      const { bot } = await start({ 'POST /mcp': answer });
      const diagnosis = await bot.diagnose('mcp');
      expect(diagnosis.ok).toBe(false);
      const { message, remedy, error, warnings } = diagnosis;
      expect(JSON.stringify([message, remedy, error?.summary, warnings])).not.toMatch(/zebra/iu);
      for (const line of String(diagnosis)
        .split('\n')
        .filter((one) => /zebra/iu.test(one))) {
        expect(line).toMatch(/said: "|its error code: "|Error description: "|127\.0\.0\.1:\d+\/ZEBRA/u);
      }
    }
  });

  it('404 because of a slash too many: the remedy names the option and the slash', async () => {
    const { bot } = await start({ 'POST /mcp': mcpAnswer() }, { path: '/mcp/' });
    const { ok, contact, remedy } = await bot.diagnose('mcp');
    expect({ ok, contact }).toEqual({ ok: false, contact: 'you' });
    expect(remedy).toMatch(/path in servers\.mcp\.url, also without a slash at its end/u);
  });

  it('404 to the session that it has just opened', async () => {
    const { bot, server } = await start({
      'POST /mcp': ({ body }) =>
        messageIn(body).method === 'initialize'
          ? { headers: { 'mcp-session-id': 's1' }, body: initializeResult(1) }
          : { status: 404 },
      'DELETE /mcp': { status: 200 },
    });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: false, contact: 'server-owner', error: { code: 'peer_unavailable' } });
    expect(diagnosis.message).toContain('session that it has just opened');
    expect(messagesAt(server)).toEqual(['initialize', 'notifications/initialized', 'DELETE']);
  });
});

describe('a server where MCP is spoken is reported with ok: true and its revision if it answers', () => {
  const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
  const progress = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } };
  it.each<[string, PeerAnswer]>([
    ['JSON', { body: initializeResult(1) }],
    ['a batch', { body: [progress, initializeResult(1)] }],
    ['one event', eventStream(initializeResult(1))],
    [
      'other events first',
      eventStream('retry: 100\nid: 0\ndata:\n\n', ': comment\n\n', progress, ping, initializeResult(1)),
    ],
    ['events with CRLF', eventStream(`event: message\r\ndata: ${JSON.stringify(initializeResult(1))}\r\n\r\n`)],
    [
      'an event of several lines',
      eventStream(`data: ${JSON.stringify(initializeResult(1), null, 1).replaceAll('\n', '\ndata: ')}\n\n`),
    ],
  ])('%s', async (_what, answer) => {
    const { bot } = await start({
      'POST /mcp': ({ body }) => (messageIn(body).method === 'initialize' ? answer : { status: 202 }),
    });
    const diagnosis = await bot.diagnose('mcp');
    expect(diagnosis).toMatchObject({ ok: true, protocolVersion: '2025-06-18', warnings: [] });
  });

  it('with the token, both content types, the extension and the client name, and no tool is called', async () => {
    const { bot, server, world } = await start({ 'POST /mcp': mcpAnswer() });
    await bot.diagnose('mcp');
    const [initialize, initialized] = server.requests;
    expect(initialize?.headers).toMatchObject({
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${world.as.issued[0]}`,
    });
    expect(JSON.parse(initialize?.body ?? '')).toMatchObject({
      params: {
        protocolVersion: '2025-11-25',
        capabilities: { extensions: { 'io.modelcontextprotocol/enterprise-managed-authorization': {} } },
        clientInfo: { name: 'credence' },
      },
    });
    expect(initialized?.headers['mcp-protocol-version']).toBe('2025-06-18');
    expect(messagesAt(server)).toEqual(['initialize', 'notifications/initialized']);
  });

  it.each([200, 202, 204, 401, 404, 405, 500])('the end of the session with %d', async (status) => {
    const { bot, server, counts } = await start({
      'POST /mcp': ({ body }) =>
        messageIn(body).method === 'initialize'
          ? { headers: { 'mcp-session-id': 's1' }, body: initializeResult(1) }
          : { status: 202 },
      'DELETE /mcp': { status },
    });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: true, warnings: [] });
    expect(server.received('DELETE /mcp')).toMatchObject([{ headers: { 'mcp-session-id': 's1' } }]);
    expect(counts().redeem).toBe(1);
  });

  it('every request without a session with 401 invalid_token, and initialize with 200', async () => {
    const answer: PeerHandler = ({ body, headers }) => {
      if (messageIn(body).method === 'initialize') {
        return { headers: { 'mcp-session-id': 's1' }, body: initializeResult(1) };
      }
      if (headers['mcp-session-id'] === 's1') return { status: 202 };
      return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };
    };
    const { bot, counts } = await start({ 'POST /mcp': answer, 'GET /mcp': { status: 401 } });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: true });
    expect(counts().redeem).toBe(1);
  });

  it('server/discover, and initialize with an error', async () => {
    for (const error of [
      { status: 400, body: RPC_ERROR(-32022, { supported: ['2026-07-28'], requested: '2025-11-25' }) },
      { status: 404, body: RPC_ERROR(-32601) },
      { status: 400, body: { ...RPC_ERROR(-32020), id: null } },
      { status: 400, body: 'unknown method' },
    ]) {
      const answer: PeerHandler = ({ body }) => {
        const { id, method } = messageIn(body);
        const result = { supportedVersions: ['2026-07-28'], capabilities: {}, ttlMs: 0, cacheScope: 'private' };
        return method === 'server/discover' ? { body: { jsonrpc: '2.0', id, result } } : error;
      };
      const { bot, server } = await start({ 'POST /mcp': answer });
      expect(await bot.diagnose('mcp')).toMatchObject({ ok: true, protocolVersion: '2026-07-28' });
      const [, discover] = server.received('POST /mcp');
      expect(discover?.headers).toMatchObject({
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'server/discover',
      });
      expect(JSON.parse(discover?.body ?? '')).toMatchObject({
        params: {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'credence' },
            'io.modelcontextprotocol/clientCapabilities': {
              extensions: { 'io.modelcontextprotocol/enterprise-managed-authorization': {} },
            },
          },
        },
      });
    }
  });

  it('an older revision after an error that lists it', async () => {
    const asked: unknown[] = [];
    const answer: PeerHandler = ({ body }) => {
      const { method } = messageIn(body);
      if (method !== 'initialize') return { status: 202 };
      const { params } = JSON.parse(body) as { params: { protocolVersion: string } };
      asked.push(params.protocolVersion);
      if (params.protocolVersion === '2025-03-26') return { body: initializeResult(1, params) };
      return { status: 400, body: RPC_ERROR(-32602, { supported: ['2025-03-26'], requested: params.protocolVersion }) };
    };
    const { bot } = await start({ 'POST /mcp': answer });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: true, protocolVersion: '2025-03-26' });
    expect(asked).toEqual(['2025-11-25', '2025-03-26']);
  });

  it('a redirect to another path of its origin that keeps the method, with a warning that names the path', async () => {
    const { bot } = await start(
      { 'POST /mcp': mcpAnswer(), 'POST /mcp/': { status: 307, headers: { location: '/mcp' } } },
      { path: '/mcp/' },
    );
    const { ok, warnings } = await bot.diagnose('mcp');
    expect(ok).toBe(true);
    expect(warnings).toMatchObject([{ remedy: expect.stringContaining(`servers.mcp.url to the URL`) }]);
  });

  it.each<[string, PeerAnswer]>([
    ['200 without content', { status: 200 }],
    ['204', { status: 204 }],
    ['200 and JSON without an error', { body: { jsonrpc: '2.0', id: null, result: {} } }],
    ['200 and a text', { headers: { 'content-type': 'text/plain' }, body: 'OK' }],
    ['200 and an event stream', eventStream(': hello\n\n')],
    ['a redirect that keeps the method', { status: 307, headers: { location: '/other' } }],
  ])('notifications/initialized with %s', async (_what, answer) => {
    const { bot } = await start({
      'POST /mcp': ({ body }) => (messageIn(body).method === 'initialize' ? { body: initializeResult(1) } : answer),
      'POST /other': { status: 202 },
    });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: true, warnings: [] });
  });

  it('capabilities that it does not know, of any kind', async () => {
    const { bot } = await start({ 'POST /mcp': mcpAnswer({ capabilities: { 'x-new': true, tools: { more: 1 } } }) });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: true, warnings: [] });
  });
});

describe('a server of an MCP SDK', () => {
  async function diagnosisOf<F extends McpFixture>(startServer: (options: FixtureOptions) => Promise<F>) {
    const verifier: { verify?: VerifyToken } = {};
    const fixture = await startServer({ verify: async (token) => verifier.verify?.(token) });
    closers.push(async () => fixture.close());
    const running = await startBot({ server: { url: fixture.url } });
    closers.push(async () => running.close());
    verifier.verify = (token) => running.world.as.verify(token);
    return { fixture, diagnosis: await running.bot.diagnose('mcp') };
  }

  it.each<[string, (options: FixtureOptions) => Promise<McpFixture>, string]>([
    ['SDK v1', startV1Streamable, '2025-11-25'],
    ['SDK v2 with both eras', startV2BothRevisions, '2025-11-25'],
    ['SDK v2 with only revision 2026-07-28', startV2Only2026, '2026-07-28'],
  ])('that is %s accepts the bot, and no tool is called', async (_what, startServer, protocolVersion) => {
    const { fixture, diagnosis } = await diagnosisOf(startServer);
    expect(diagnosis).toMatchObject({ ok: true, protocolVersion, warnings: [] });
    expect(fixture.journal.filter(({ method }) => method.startsWith('tools/'))).toEqual([]);
  });

  it('that has sessions has none after the diagnosis', async () => {
    const { fixture } = await diagnosisOf(startV1Streamable);
    expect(fixture.count('DELETE')[200]).toBe(1);
    expect(fixture.sessions()).toEqual([]);
  });

  it('that has only the HTTP+SSE transport of 2024 accepts the bot, with a warning that names the transport', async () => {
    const { diagnosis } = await diagnosisOf(startV1Sse);
    expect(diagnosis).toMatchObject({ ok: true, protocolVersion: '2024-11-05' });
    expect(diagnosis.warnings).toMatchObject([{ leg: 'call', remedy: expect.stringContaining("transport 'sse'") }]);
  });
});

describe('an event stream that a GET opens', () => {
  it.each<[string, PeerAnswer]>([
    ['never names a URL for messages', silence()],
    ['names a URL of another origin', eventStream('event: endpoint\ndata: http://127.0.0.1:1/messages\n\n')],
    ['sends another event first', eventStream({ hello: 'world' })],
    ['is none', HTML],
    ['refuses the token', { status: 401 }],
  ])('does not count as MCP if it %s', async (_what, answer) => {
    const { bot } = await start({ 'POST /mcp': { status: 405 }, 'GET /mcp': answer }, { totalMs: 2_000 });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: false, contact: 'you', error: { status: 405 } });
  });
});

it('a diagnosis sends the version of the package in the client info', async () => {
  const manifest: unknown = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(manifest).toMatchObject({ version: CLIENT_INFO.version });
});

describe('a server with an endless redirect', () => {
  it('is reported after five hops', async () => {
    const { bot, server } = await start({ '*': { status: 308, headers: { location: '/mcp' } } });
    expect(await bot.diagnose('mcp')).toMatchObject({ ok: false, error: { code: 'redirect_refused' } });
    expect(server.requests).toHaveLength(6);
  });
});
