import { afterEach, describe, expect, it } from '@jest/globals';
import { type Peer, silence, startPeer } from '../../../../test/support/peer.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import type { CredenceEvent } from '../runtime/events.ts';
import { OpenCalls } from './open-calls.ts';
import { ServicePrincipal } from './service-principal.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A bot whose server never answers, or streams without end. `token`: the token endpoint never answers either. */
async function world({ token = true, ownFetch = false, events = [] as CredenceEvent[] } = {}) {
  const stream = {
    onWire: async ({ response, write, signal }: Parameters<ReturnType<typeof silence>['onWire']>[0]) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      while (await write(': still here\n\n')) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        if (signal.aborted) return;
      }
    },
  };
  const peer: Peer = await startPeer({
    'POST /token': token ? { body: { access_token: 't', token_type: 'Bearer', expires_in: 600 } } : silence(),
    'POST /mcp': silence(),
    'GET /mcp': stream,
  });
  closing.push(() => peer.close());
  const url = `${peer.origin}/mcp`;
  const bot = new ServicePrincipal({
    onEvent: (event) => void events.push(event),
    servers: {
      mcp: {
        url,
        resource: url,
        issuer: peer.origin,
        tokenEndpoint: `${peer.origin}/token`,
        credential: clientSecret({ clientId: 'bot', secret: 's' }),
        flow: 'client-credentials',
      },
    },
    ...(ownFetch && { fetch: async (input) => (new Request(input).url.endsWith('/token') ? fetchToken() : never()) }),
  });
  return { bot, peer, url };
}

const never = () => new Promise<Response>(() => undefined);
const fetchToken = () => Response.json({ access_token: 't', token_type: 'Bearer', expires_in: 600 });
const closedError = { name: 'CredenceError', code: 'closed' };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe('close', () => {
  it.each([
    ['without a signal', () => ({})],
    ['with the signal of a transport', () => ({ signal: new AbortController().signal })],
  ])('ends calls under way %s', async (_how, init) => {
    const { bot, peer, url } = await world();
    const shared = init();
    const calls = [1, 2, 3].map(() => bot.fetchFor('mcp')(url, { method: 'POST', body: '{}', ...shared }));
    const outcomes = Promise.allSettled(calls);
    await until(() => peer.received('POST /mcp').length === 3);
    await bot.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: closedError });
  });

  it('ends a call whose input is a Request, and one through a fetch of the application that ignores signals', async () => {
    const one = await world();
    const other = await world({ ownFetch: true });
    const sending = one.bot.fetchFor('mcp')(new Request(one.url, { method: 'POST', body: '{}' }));
    const ignoring = other.bot.fetchFor('mcp')(other.url);
    const outcomes = Promise.allSettled([sending, ignoring]);
    await until(() => one.peer.received('POST /mcp').length === 1);
    await Promise.all([one.bot.close(), other.bot.close()]);
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: closedError });
  });

  it('ends calls and callers that wait for a token', async () => {
    const { bot, peer, url } = await world({ token: false });
    const outcomes = Promise.allSettled([bot.fetchFor('mcp')(url), bot.token('mcp')]);
    await until(() => peer.received('POST /token').length === 1);
    await bot.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: closedError });
  });

  it('ends a stream whose response has arrived', async () => {
    const { bot, url } = await world();
    const response = await bot.fetchFor('mcp')(url, { headers: { accept: 'text/event-stream' } });
    const reader = response.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    await bot.close();
    const rest = (async () => {
      while ((await reader?.read())?.done === false);
    })();
    await expect(rest).rejects.toMatchObject(closedError);
  });

  it('ends a diagnosis', async () => {
    const { bot, peer } = await world({ token: false });
    const diagnosis = bot.diagnose('mcp');
    const outcome = Promise.allSettled([diagnosis]);
    await until(() => peer.received('POST /token').length === 1);
    await bot.close();
    expect(await outcome).toMatchObject([{ status: 'rejected', reason: closedError }]);
  });

  it('leaves the abort of the caller as it is', async () => {
    const { bot, peer, url } = await world();
    const caller = new AbortController();
    const call = bot.fetchFor('mcp')(url, { method: 'POST', body: '{}', signal: caller.signal });
    const outcome = Promise.allSettled([call]);
    await until(() => peer.received('POST /mcp').length === 1);
    caller.abort(new Error('the caller gave up'));
    expect(await outcome).toMatchObject([{ status: 'rejected', reason: { message: 'the caller gave up' } }]);
    await bot.close();
  });
});

describe('OpenCalls', () => {
  it('follows each signal of a caller once, and leaves an aborted one as it is', () => {
    const calls = new OpenCalls();
    const { signal } = new AbortController();
    expect(calls.signalFor(signal)).toBe(calls.signalFor(signal));
    const aborted = AbortSignal.abort();
    expect(calls.signalFor(aborted)).toBe(aborted);
  });

  it('makes signals that the fetch of undici accepts', async () => {
    const { Request: UndiciRequest } = await import('undici');
    const { signal } = new AbortController();
    expect(() => new UndiciRequest('http://127.0.0.1/', { signal: new OpenCalls().signalFor(signal) })).not.toThrow();
  });

  it('ends the waits that are not over, and gives an aborted signal afterwards', () => {
    const calls = new OpenCalls();
    const reason = new Error('closed');
    const ended: unknown[] = [];
    const stop = calls.whenClosed((error) => ended.push(['stopped', error]));
    calls.whenClosed((error) => ended.push(['open', error]));
    stop();
    calls.close(reason);
    calls.whenClosed((error) => ended.push(['late', error]));
    expect(ended).toEqual([
      ['open', reason],
      ['late', reason],
    ]);
    expect(calls.signalFor(new AbortController().signal).reason).toBe(reason);
  });

  it('rejects a call that is under way, and cancels the body of its late response', async () => {
    const calls = new OpenCalls();
    let cancelled: unknown;
    let respond: (response: Response) => void = () => undefined;
    const sending = new Promise<Response>((resolve) => {
      respond = resolve;
    });
    const outcome = Promise.allSettled([calls.untilClose(sending)]);
    const reason = new Error('closed');
    calls.close(reason);
    respond(new Response(new ReadableStream({ cancel: () => void (cancelled = true) })));
    expect(await outcome).toEqual([{ status: 'rejected', reason }]);
    await sending;
    expect(cancelled).toBe(true);
  });
});

describe('the end of a principal', () => {
  it('is no failure of the acquisitions and calls that it ends', async () => {
    const events: CredenceEvent[] = [];
    const { bot, url } = await world({ token: false, events });
    const outcomes = Promise.allSettled([bot.token('mcp'), bot.fetchFor('mcp')(url, { method: 'POST', body: '{}' })]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await bot.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: closedError });
    const types = events.map(({ type }) => type);
    for (const type of ['refused', 'token-failed', 'call-failed']) expect(types).not.toContain(type);
    expect(types.at(-1)).toBe('closed');
    expect(bot.status().servers['mcp']).toMatchObject({ ready: false, failedCalls: 0, failing: false });
  });

  it('makes no server ready', async () => {
    const { bot } = await world();
    await bot.prepare();
    expect(bot.status()).toMatchObject({ ready: true, servers: { mcp: { ready: true } } });
    await bot.close();
    expect(bot.status()).toMatchObject({ ready: false, servers: { mcp: { ready: false } } });
  });
});
