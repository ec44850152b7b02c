import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CannedAnswer, PeerRequest, PeerRoute } from '../../../../test/support/peer.ts';
import { endless, hangUp } from '../../../../test/support/peer.ts';
import { type CallWorld, startCallWorld, tokenOf } from '../../test-support/call-world.ts';

const opened: CallWorld[] = [];
afterEach(async () => {
  for (const world of opened.splice(0)) await world.close();
});

type More = Parameters<typeof startCallWorld>;
async function start(answers: PeerRoute, server: More[1] = {}, principal?: More[2]): Promise<CallWorld> {
  const world = await startCallWorld(answers, server, principal);
  opened.push(world);
  return world;
}

const session = { 'mcp-session-id': 'a' };
const accept = 'application/json, text/event-stream';
const message = (method: string, id?: number) =>
  JSON.stringify({ jsonrpc: '2.0', ...(id !== undefined && { id }), method });
const post = (method: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { accept, 'content-type': 'application/json', ...headers },
  body: message(method, 1),
});
/** What `status()` and the events say. They must be the same. */
const failures = (world: CallWorld) => {
  const { failedCalls, lastFailure } = world.bot.status().servers['notes'] ?? {};
  const codes = world.emitted('call-failed').map(({ code }) => code);
  expect({ failedCalls, last: lastFailure?.code }).toEqual({ failedCalls: codes.length, last: codes.at(-1) });
  return codes;
};
const until = async (isDone: () => boolean) => {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const callLegs = (world: CallWorld) => world.emitted('leg').filter(({ leg }) => leg === 'call');
const problem = {
  headers: { 'content-type': 'application/problem+json' },
  body: '{"title":"Down","detail":"disk full"}',
};

describe('an error status that is handed to the caller', () => {
  it.each<[number, string]>([
    [400, 'invalid_response'],
    [404, 'invalid_response'],
    [405, 'invalid_response'],
    [429, 'rate_limited'],
    [500, 'peer_unavailable'],
    [502, 'peer_unavailable'],
    [503, 'peer_unavailable'],
  ])('%d is a leg that is not ok and a failed call with the code %s', async (status, code) => {
    const world = await start({ status, ...problem, headers: { ...problem.headers, 'retry-after': '7' } });
    const response = await world.send();
    expect({ status: response.status, text: await response.text() }).toEqual({ status, text: problem.body });
    const expected = { code, status, peerText: 'Down: disk full', retryAfterSeconds: 7 };
    expect(callLegs(world)).toMatchObject([{ ok: false, ...expected }]);
    expect(world.emitted('call-failed')).toMatchObject([
      { ...expected, leg: 'call', server: 'notes', contact: 'server-owner' },
    ]);
    const [event] = world.emitted('call-failed');
    for (const words of [event?.message, event?.remedy]) expect(words).not.toContain('disk');
  });

  it('is the response of fetch, although the start of its body was read', async () => {
    const world = await start({ status: 503, ...problem });
    const response = await world.send();
    expect(response).toMatchObject({ status: 503, ok: false, bodyUsed: false, url: world.url, redirected: false });
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    const clone = response.clone();
    expect(clone).toMatchObject({ status: 503, url: world.url });
    expect(await clone.json()).toEqual({ title: 'Down', detail: 'disk full' });
    expect(await response.json()).toEqual({ title: 'Down', detail: 'disk full' });
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  it('causes no unhandled rejection if the caller neither reads nor cancels it, and the principal is closed', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const world = await start(endless({ status: 500 }));
    const responses = [await world.send(), await world.send()];
    void responses[0]?.clone();
    await world.bot.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('does not delay the caller if its body arrives slowly or never ends', async () => {
    const world = await start({
      async onWire({ response, write }) {
        response.writeHead(503, { 'content-type': 'text/plain' });
        await write('busy');
      },
    });
    const response = await world.send();
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('busy');
    await reader?.cancel();
    expect(world.emitted('call-failed')).toMatchObject([{ peerText: 'busy' }]);
  });
});

describe('a status with which a client continues as MCP describes', () => {
  it.each<[string, RequestInit, number, boolean]>([
    ['the stream of a session that the server has ended', { headers: session }, 404, false],
    ['the end of a session that is gone', { method: 'DELETE', headers: session }, 410, false],
    ['a server without an event stream', { headers: session }, 405, true],
    ['a server whose sessions a client cannot end', { method: 'DELETE', headers: session }, 405, true],
    [
      'the question for a revision',
      { method: 'POST', body: '{}', headers: { 'mcp-method': 'server/discover' } },
      400,
      false,
    ],
  ])('is no failed call: %s', async (_what, init, status, ok) => {
    const world = await start({ status });
    expect((await world.send(init)).status).toBe(status);
    expect(world.emitted('call-failed')).toEqual([]);
    expect(callLegs(world)).toMatchObject([{ status, ok }]);
  });

  it('is a failed call for a GET that is not optional: the stream of revision 2024-11-05', async () => {
    const world = await start({ status: 404 });
    await world.send({ headers: { accept: 'text/event-stream' } });
    expect(world.emitted('call-failed')).toHaveLength(1);
  });
});

describe('a call that ends with an error', () => {
  const forbidden: CannedAnswer = { status: 403, body: { error_description: 'not today' } };

  it('has a leg that is not ok for each 401 and 403', async () => {
    const world = await start((request) => (tokenOf(request) === 'token-1' ? { status: 401 } : forbidden));
    await expect(world.send()).rejects.toMatchObject({ code: 'forbidden' });
    expect(callLegs(world)).toMatchObject([
      { ok: false, status: 401, code: 'token_refused' },
      { ok: false, status: 403, code: 'forbidden' },
    ]);
    expect(world.emitted('call-failed')).toMatchObject([{ code: 'forbidden', status: 403, peerText: 'not today' }]);
  });

  it('is counted if the server hangs up, with the code of the cause', async () => {
    const world = await start(hangUp());
    await expect(world.send()).rejects.toMatchObject({ code: 'unreachable' });
    expect(world.emitted('call-failed')).toMatchObject([{ code: 'unreachable', causeCode: 'UND_ERR_SOCKET' }]);
  });

  it('is counted for each caller if no token can be had, also without a request', async () => {
    const world = await start({});
    world.as.route('POST /token', { status: 429, headers: { 'retry-after': '600' }, body: 'slow down' });
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, async () => world.send()));
    for (let round = 0; round < 20; round += 1) await world.send().catch(() => undefined);
    expect(attempts.every(({ status }) => status === 'rejected')).toBe(true);
    expect(world.emitted('call-failed')).toHaveLength(40);
    for (const event of world.emitted('call-failed')) {
      expect(event).toMatchObject({ server: 'notes', leg: 'redeem', code: 'rate_limited', status: 429 });
    }
    expect(world.mcp.requests).toEqual([]);
  });

  it('is not counted if the caller aborts it, or cancels it', async () => {
    const world = await start({ onWire: () => undefined });
    const controller = new AbortController();
    const call = world.send({ method: 'POST', body: '{}', signal: controller.signal });
    while (world.mcp.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    await expect(call).rejects.toThrow();
    expect(world.emitted('call-failed')).toEqual([]);
  });
});

describe('a call whose session the server has lost', () => {
  const lost =
    (
      status: number,
      isLost: (request: PeerRequest) => boolean = ({ body }) => body.includes('tools/call'),
    ): PeerRoute =>
    (request) =>
      isLost(request)
        ? { status, body: status === 400 ? 'unknown session' : '' }
        : { body: { jsonrpc: '2.0', id: 1, result: {} } };
  const inSession = (id: string) => post('tools/call', { 'mcp-session-id': id });

  it.each([404, 410, 400])('is a failed call if no new session follows the %d', async (status) => {
    const world = await start(lost(status));
    await world.bot.fetchFor('notes')(world.url, inSession('a'));
    await until(() => world.emitted('call-failed').length > 0);
    expect(failures(world)).toEqual(['invalid_response']);
  });

  it.each([404, 410, 400, 401])(
    'is one failed call if the server answers %d again in a new session',
    async (status) => {
      const world = await start(lost(status));
      const fetch = world.bot.fetchFor('notes');
      await fetch(world.url, post('initialize'));
      for (const id of ['a', 'b']) {
        await fetch(world.url, inSession(id)).catch(() => undefined);
        await fetch(world.url, post('initialize'));
        await fetch(world.url, inSession(`${id}2`)).catch(() => undefined);
      }
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(failures(world)).toHaveLength(2);
    },
  );

  it.each([404, 410, 400])('is no failed call if it succeeds in a new session after the %d', async (status) => {
    const world = await start(lost(status, ({ headers }) => headers['mcp-session-id'] === 'a'));
    const fetch = world.bot.fetchFor('notes');
    expect((await fetch(world.url, inSession('a'))).status).toBe(status);
    await fetch(world.url, post('initialize'));
    expect((await fetch(world.url, inSession('b'))).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(failures(world)).toEqual([]);
  });

  it('is one failed call if the new session cannot be opened', async () => {
    const world = await start({ status: 404 });
    const fetch = world.bot.fetchFor('notes');
    await fetch(world.url, inSession('a'));
    await fetch(world.url, post('initialize'));
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(failures(world)).toEqual(['invalid_response']);
  });

  it('is counted when the principal is closed, before its last event', async () => {
    const world = await start({ status: 404 });
    await world.bot.fetchFor('notes')(world.url, inSession('a'));
    await world.bot.close();
    expect(world.events.slice(-2).map(({ type }) => type)).toEqual(['call-failed', 'closed']);
  });

  it.each([500, 502, 503])(
    'is one failed call for a client that pings after %d, whatever the ping shows',
    async (status) => {
      for (const isPingLost of [true, false]) {
        const world = await start(
          lost(status, ({ body }) => body.includes('tools/call') || (isPingLost && body.includes('ping'))),
        );
        const fetch = world.bot.fetchFor('notes', { repeatsAfterServerError: true });
        await fetch(world.url, inSession('a'));
        await fetch(world.url, post('ping', { 'mcp-session-id': 'a' }));
        if (!isPingLost) expect(failures(world)).toEqual(['peer_unavailable']);
        await until(() => world.emitted('call-failed').length > 0);
        expect(failures(world)).toEqual(['peer_unavailable']);
      }
    },
  );
});

describe('a response that is no answer to a request', () => {
  it.each<[string, CannedAnswer, string, object]>([
    [
      'a redirect to a login page',
      { status: 302, headers: { location: '/login' } },
      'redirect_refused',
      { status: 302 },
    ],
    [
      'a redirect to another origin',
      { status: 307, headers: { location: 'https://else.example/mcp' } },
      'redirect_refused',
      {},
    ],
    ['304', { status: 304 }, 'redirect_refused', {}],
    [
      'a page',
      { headers: { 'content-type': 'text/html' }, body: '<html><title>Sign in</title></html>' },
      'invalid_response',
      { status: 200, peerText: 'Sign in' },
    ],
    ['204', { status: 204 }, 'invalid_response', { status: 204 }],
  ])('is a failed call, and its leg is not ok: %s', async (_what, answer, code, more) => {
    const world = await start(answer);
    await world.bot.fetchFor('notes')(world.url, { ...post('tools/call'), redirect: 'manual' });
    expect(failures(world)).toEqual([code]);
    expect(world.emitted('call-failed')).toMatchObject([more]);
    expect(callLegs(world)).toMatchObject([{ ok: false, code }]);
  });

  it('can be read by the caller', async () => {
    const world = await start({ headers: { 'content-type': 'text/html' }, body: '<title>Sign in</title>' });
    expect(await (await world.send(post('tools/call'))).text()).toBe('<title>Sign in</title>');
  });

  it.each<[string, CannedAnswer, RequestInit]>([
    ['202 to a request, whose response comes by the stream of 2024-11-05', { status: 202 }, post('tools/call')],
    [
      '200 with a text to a client that does not accept it here',
      { headers: { 'content-type': 'text/plain' }, body: 'ok' },
      { ...post('tools/call'), headers: {} },
    ],
    ['204 to a notification', { status: 204 }, { ...post('x'), body: message('notifications/initialized') }],
    ['a redirect that connectMcp follows', { status: 307, headers: { location: '/mcp/' } }, post('tools/call')],
  ])('is not: %s', async (_what, answer, init) => {
    const world = await start(answer);
    await world.send(init);
    expect(failures(world)).toEqual([]);
    expect(callLegs(world)).toMatchObject([{ ok: true }]);
  });
});

describe('a body that ends too early', () => {
  const cut = (headers: Record<string, string>, text: string): PeerRoute => ({
    async onWire({ response, write }) {
      response.writeHead(200, headers);
      await write(text);
      // The client reads what was sent before it sees the end.
      await new Promise((resolve) => setTimeout(resolve, 30));
      response.destroy();
    },
  });
  const ended = (text: string): PeerRoute => ({ headers: { 'content-type': 'text/event-stream' }, body: text });
  const json = { 'content-type': 'application/json' };
  const events = { 'content-type': 'text/event-stream' };
  const response = 'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n';

  it.each<[string, PeerRoute, string[]]>([
    ['JSON without a length', cut(json, '{"json'), ['unreachable']],
    ['an event stream before the response', cut(events, ': x\n\n'), ['unreachable']],
    ['an event stream after the response', cut(events, response), []],
    ['an event stream that can be continued', cut(events, 'id: 1\ndata: \n\n'), []],
    ['an event stream that ends before the response', ended(': x\n\n'), ['invalid_response']],
    ['an event stream that ends after the response', ended(response), []],
  ])('is counted once: %s', async (_what, route, codes) => {
    const world = await start(route);
    const fetch = world.bot.fetchFor('notes');
    const sent = await fetch(world.url, post('tools/call'));
    await sent.text().catch(() => undefined);
    // The time limit of the SDK.
    await fetch(world.url, cancelled(1, 'McpError: MCP error -32001: Request timed out'));
    const isOpen = _what === 'an event stream that can be continued';
    expect(failures(world)).toEqual(isOpen ? ['timeout'] : codes);
  });

  it('is not counted if the caller cancels it', async () => {
    const world = await start(endless({ headers: events }));
    const sent = await world.send(post('tools/call'));
    await sent.body?.cancel();
    expect(failures(world)).toEqual([]);
  });
});

function cancelled(requestId: number, reason: string): RequestInit {
  const body = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId, reason } };
  return { method: 'POST', headers: { accept: 'application/json, text/event-stream' }, body: JSON.stringify(body) };
}

describe('a server that does not answer', () => {
  it.each([
    ['McpError: MCP error -32001: Request timed out', ['timeout']],
    ['TimeoutError: The operation was aborted due to timeout', ['timeout']],
    ['AbortError: This operation was aborted', []],
    ['the user has left', []],
  ])('is a failed call if the client cancels it with the reason "%s": %j', async (reason, codes) => {
    const world = await start(({ body }) =>
      body.includes('cancelled') ? { status: 202 } : { onWire: () => undefined },
    );
    const fetch = world.bot.fetchFor('notes');
    const call = fetch(world.url, post('tools/call'));
    call.catch(() => undefined);
    await until(() => world.mcp.requests.length > 0);
    await fetch(world.url, cancelled(1, reason));
    await fetch(world.url, cancelled(1, reason));
    expect(failures(world)).toEqual(codes);
  });

  it('is a failed call with a leg if the signal of the caller has a time limit', async () => {
    const world = await start({ onWire: () => undefined });
    await expect(world.send({ ...post('tools/call'), signal: AbortSignal.timeout(50) })).rejects.toThrow('timeout');
    expect(failures(world)).toEqual(['timeout']);
    expect(callLegs(world)).toMatchObject([{ ok: false, code: 'timeout' }]);
  });

  it('is a failed call if the time limit of the caller ends while the body arrives', async () => {
    const world = await start({
      async onWire({ response, write, signal }) {
        response.writeHead(200, { 'content-type': 'application/json' });
        await write('{');
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      },
    });
    await world.bot.token('notes');
    const response = await world.send({ ...post('tools/call'), signal: AbortSignal.timeout(400) });
    await expect(response.text()).rejects.toThrow();
    expect(failures(world)).toEqual(['timeout']);
  });
});

describe('the words of a 403', () => {
  const SAID = 'The client may not write on Sundays.';
  it.each<[string, CannedAnswer, string]>([
    [
      'insufficient_scope',
      {
        status: 403,
        headers: {
          'www-authenticate': `Bearer error="insufficient_scope", scope="admin", error_description="${SAID}"`,
        },
      },
      'insufficient_scope',
    ],
    [
      'insufficient_scope with a body',
      {
        status: 403,
        headers: {
          'www-authenticate': 'Bearer error="insufficient_scope"',
          'content-type': 'application/problem+json',
        },
        body: { detail: SAID },
      },
      'insufficient_scope',
    ],
    [
      'another error in the challenge',
      { status: 403, headers: { 'www-authenticate': `Bearer error="access_denied", error_description="${SAID}"` } },
      'forbidden',
    ],
    [
      'problem+json',
      { status: 403, headers: { 'content-type': 'application/problem+json' }, body: { detail: SAID } },
      'forbidden',
    ],
  ])('are in the error, the event and the leg: %s', async (_what, answer, code) => {
    const world = await start(answer, { scopes: ['read'] });
    await expect(world.send()).rejects.toMatchObject({ code, peerText: SAID });
    expect(world.emitted('call-failed')).toMatchObject([{ code, peerText: SAID }]);
    expect(callLegs(world)).toMatchObject([{ status: 403, peerText: SAID }]);
  });
});

it('failed calls are counted by status() without a listener too', async () => {
  const world = await start({ status: 503 }, {}, { onEvent: undefined });
  for (let call = 0; call < 3; call += 1) await world.send();
  expect(world.bot.status().servers['notes']).toMatchObject({
    failedCalls: 3,
    lastFailure: { code: 'peer_unavailable', leg: 'call' },
  });
});
