import { hostname } from 'node:os';
import { Readable } from 'node:stream';
import { defaultFetch, environmentProxyFetch } from '@credence/protocol';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { drip, endless, hangUp, type Peer, type PeerRoute, silence, startPeer } from '../../../../test/support/peer.ts';
import { refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { systemClock } from '../time/clock.ts';
import { PeerClocks } from '../time/peer-clocks.ts';
import { type About, knownClockSkewSeconds, peerTimeMs, retryAfterSeconds, send, withoutQuery } from './gate.ts';

const ABOUT: About = {
  leg: 'exchange',
  operation: 'token-exchange',
  contact: 'idp-admin',
  server: 'linear',
  issuer: 'https://idp.example',
};

let peer: Peer;
beforeEach(async () => {
  peer = await startPeer({});
});
afterEach(async () => {
  await peer.close();
});

async function respond(route: PeerRoute, overrides: Parameters<typeof testRuntime>[0] = {}, init: RequestInit = {}) {
  peer.route('/x', route);
  const runtime = testRuntime(overrides);
  return { runtime, answer: send(runtime, `${peer.origin}/x?code=s3cret`, { method: 'POST', ...init }, ABOUT) };
}

const QUICK = { timeout: { requestMs: 60, totalMs: 1_000 } };

describe('send', () => {
  it('returns a response with a status below 500 and emits no event for it', async () => {
    const { runtime, answer } = await respond({ status: 403, body: { error: 'x' } });
    await expect(answer).resolves.toMatchObject({ status: 403, json: { error: 'x' }, text: '{"error":"x"}' });
    expect(runtime.events).toEqual([]);
  });

  it('stops reading a response that does not end, with response_too_large', async () => {
    const { answer, runtime } = await respond(endless());
    expect(await refusalOf(answer)).toMatchObject({
      code: 'response_too_large',
      leg: 'exchange',
      contact: 'idp-admin',
      server: 'linear',
      issuer: 'https://idp.example',
      retryable: false,
    });
    const written = peer.bytesWritten();
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBeLessThan(8 * 1024 * 1024);
    expect(runtime.events).toMatchObject([{ type: 'leg', ok: false, code: 'response_too_large' }]);
  });

  it.each([
    ['never responds', silence()],
    ['sends one byte every 15 ms', drip({ body: '{"access_token":"abcdefghijklmnop"}', everyMs: 15 })],
  ])('throws timeout for a peer that %s', async (_what, route) => {
    const { answer, runtime } = await respond(route, QUICK);
    const error = await refusalOf(answer);
    expect(error).toMatchObject({ code: 'timeout', leg: 'exchange', contact: 'idp-admin', retryable: true });
    expect(error.message).toContain('60 ms');
    expect(runtime.events).toMatchObject([{ ok: false, code: 'timeout', endpoint: `${peer.origin}/x` }]);
  });

  it.each([301, 302, 303, 307, 308])('refuses a redirect (%d) and does not follow it', async (status) => {
    const { answer } = await respond({ status, headers: { location: '/elsewhere' } });
    expect(await refusalOf(answer)).toMatchObject({ code: 'redirect_refused', status, retryable: false });
    expect(peer.received('/elsewhere')).toEqual([]);
  });

  it.each([
    ['closes the connection', hangUp()],
    ['closes the connection in the middle of the response', hangUp('{"access_')],
  ])('throws unreachable for a peer that %s', async (_what, route) => {
    const { answer } = await respond(route);
    expect(await refusalOf(answer)).toMatchObject({ code: 'unreachable', retryable: true });
  });

  it('throws unreachable with the code of the cause if no process listens on the port', async () => {
    const { origin } = peer;
    await peer.close();
    const error = await refusalOf(send(testRuntime(), `${origin}/x`, {}, ABOUT));
    expect(error).toMatchObject({ code: 'unreachable', retryable: true, cause: { code: 'ECONNREFUSED' } });
  });

  it.each([500, 502, 503, 504])('throws a retryable error for the status %d', async (status) => {
    const { answer } = await respond({ status, body: '<h1>oops</h1>' });
    expect(await refusalOf(answer)).toMatchObject({ code: 'peer_unavailable', status, retryable: true });
  });

  it('puts the Retry-After of a 429 into the error', async () => {
    const { answer } = await respond({ status: 429, headers: { 'retry-after': '7' } });
    expect(await refusalOf(answer)).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 7, retryable: true });
  });

  it.each([
    ['application/json', true],
    ['application/json; charset=utf-8', true],
    ['Application/JSON', true],
    ['application/token-introspection+json', true],
    ['text/html', false],
    ['text/plain', false],
    ['application/jsonp', false],
    ['text/html; application/json', false],
  ])('parses the body as JSON with the content type %s: %p', async (type, isParsed) => {
    const { answer } = await respond({ headers: { 'content-type': type }, body: '{"a":1}' });
    expect((await answer).json).toEqual(isParsed ? { a: 1 } : undefined);
  });

  it.each(['[1]', '"x"', 'null', '{"a":', ''])('returns no JSON object for the body %p', async (body) => {
    const { answer } = await respond({ headers: { 'content-type': 'application/json' }, body });
    expect((await answer).json).toBeUndefined();
  });

  it('parses a body with a byte order mark and with bytes that are not UTF-8', async () => {
    const invalid = Buffer.concat([
      Buffer.from('\ufeff{"error_description":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    const { answer } = await respond({
      headers: { 'content-type': 'application/json' },
      body: (async function* () {
        yield invalid;
      })(),
    });
    expect((await answer).json).toEqual({ error_description: '\ufffd\ufffd' });
  });

  it("ends at once with the caller's reason when the caller aborts", async () => {
    const controller = new AbortController();
    peer.route('/x', () => {
      controller.abort(new Error('aborted by the caller'));
      return silence();
    });
    const answer = send(testRuntime(), `${peer.origin}/x`, { signal: controller.signal }, ABOUT);
    await expect(answer).rejects.toThrow('aborted by the caller');
  });

  it.each<[string, () => Promise<Response>]>([
    ['that never responds', async () => new Promise<Response>(() => undefined)],
    ['whose body never ends', async () => new Response(new ReadableStream())],
  ])("throws timeout for a caller's fetch %s and that ignores its signal", async (_what, ignoresSignal) => {
    const { answer } = await respond({}, { ...QUICK, fetch: ignoresSignal });
    expect(await refusalOf(answer)).toMatchObject({ code: 'timeout', leg: 'exchange', retryable: true });
  });

  it('removes every listener that it adds to the signal of the caller', async () => {
    const controller = new AbortController();
    const added = jest.spyOn(controller.signal, 'addEventListener');
    const removed = jest.spyOn(controller.signal, 'removeEventListener');
    const { answer } = await respond({ body: {} }, {}, { signal: controller.signal });
    await answer;
    expect(added.mock.calls.filter(([name]) => name === 'abort').length).toBeGreaterThan(0);
    expect(removed.mock.calls.map(([name]) => name)).toEqual(added.mock.calls.map(([name]) => name));
  });

  it('puts no query of a URL into an event or an error', async () => {
    const { answer, runtime } = await respond({ status: 500 });
    const error = await refusalOf(answer);
    expect(JSON.stringify([error, runtime.events])).not.toContain('s3cret');
  });
});

describe('a response of a captive portal or a proxy', () => {
  it.each([
    [407, 'the proxy answered 407', 'HTTPS_PROXY', environmentProxyFetch],
    [407, 'A proxy answered 407', 'HTTPS_PROXY', async () => new Response('', { status: 407 })],
    [511, 'captive portal', 'Sign in', undefined],
  ])('with the status %d is named, and the contact is you: %s', async (status, word, remedy, fetch) => {
    const { answer } = await respond({ status, body: '' }, fetch && { fetch });
    const error = await refusalOf(answer);
    expect(error).toMatchObject({ code: 'unreachable', contact: 'you', retryable: false });
    expect(error.message).toContain(word);
    expect(error.remedy).toContain(remedy);
  });

  it('is a possible cause if it is a redirect to another host, whose name is only in peerText', async () => {
    const { answer } = await respond({ status: 302, headers: { location: 'https://portal.example/login?from="x y"' } });
    const error = await refusalOf(answer);
    expect(error.message).toContain('to another host');
    expect(error.summary).not.toContain('portal.example');
    expect(error.peerText).toBe('Location: portal.example');
    expect(error.remedy).toContain('captive portal');
  });

  it('is not named for a redirect on the same host', async () => {
    const { answer } = await respond({ status: 302, headers: { location: '/token/' } });
    expect((await refusalOf(answer)).remedy).not.toContain('captive portal');
  });
});

describe('the words of a peer', () => {
  it.each<[string, string, string]>([
    ['application/problem+json', '{"title":"Quota","detail":"disk\\nis full"}', 'Quota: disk is full'],
    ['application/json', '{"error":"server_error","error_description":"db down"}', 'db down'],
    ['application/json', '{"error":{"code":503,"message":"backend"}}', 'backend'],
    ['application/json', '{"error":"server_error"}', 'server_error'],
    ['application/json', '{"message":"no healthy upstream"}', 'no healthy upstream'],
    ['text/plain', '  upstream connect error\u202e  ', 'upstream connect error'],
    ['text/html', '<html><head><title>502 Bad Gateway</title></head><h1>nginx</h1>', '502 Bad Gateway'],
    ['text/html', '<style>a{}</style><h1>Bad</h1> <p>gateway</p>', 'Bad gateway'],
  ])('in a 5xx with %s %s are %p', async (type, body, words) => {
    const { answer, runtime } = await respond({ status: 503, headers: { 'content-type': type }, body });
    const error = await refusalOf(answer);
    expect(error.peerText).toBe(words);
    expect(error.summary).not.toContain(words);
    expect(runtime.events).toMatchObject([{ ok: false, status: 503 }]);
  });

  it('are cut, and do not contain the secrets of the request', async () => {
    const { answer } = await respond(
      { status: 500, body: `sent hunter2-secret ${'x'.repeat(60_000)}` },
      {},
      { body: new URLSearchParams({ client_secret: 'hunter2-secret' }) },
    );
    const { peerText = '' } = await refusalOf(answer);
    expect(peerText).toHaveLength(300);
    expect(peerText).toMatch(/^sent \[redacted\] x/u);
  });

  it('are in the error for a 429', async () => {
    const { answer } = await respond({ status: 429, body: 'slow down' });
    expect(await refusalOf(answer)).toMatchObject({ code: 'rate_limited', peerText: 'slow down' });
  });
});

describe('an OAuth error with a 5xx', () => {
  it.each(['invalid_grant', 'invalid_client', 'access_denied', 'invalid_target'])('%s is returned', async (error) => {
    const { answer } = await respond({ status: 500, body: { error } });
    await expect(answer).resolves.toMatchObject({ status: 500, json: { error } });
  });

  it.each([
    { error: 'server_error' },
    { error: 'temporarily_unavailable' },
    { error: 'Service Unavailable' },
    { error: 'urn:vendor:odd' },
    { error: { code: 1 } },
    { error: '' },
    {},
  ])('%j is retryable', async (body) => {
    const { answer } = await respond({ status: 500, body });
    expect(await refusalOf(answer)).toMatchObject({ code: 'peer_unavailable', retryable: true });
  });
});

function axiosError(status: number): Error {
  const error = new Error(`Request failed with status code ${status}`);
  return Object.assign(error, { name: 'AxiosError', code: 'ERR_BAD_REQUEST', response: { status, data: {} } });
}

describe("a caller's fetch that is not like the standard", () => {
  const body = () => new Response('{}').body;
  it.each<[string, unknown, string]>([
    ['returns undefined', undefined, 'it returned undefined'],
    ['returns null', null, 'it returned null'],
    ['returns a text', '{}', 'it returned a string'],
    ['returns no headers', { status: 200, body: null }, '`headers`'],
    ['returns headers as a plain object', { status: 200, headers: {}, body: null }, '`headers`'],
    ['returns no status', { headers: new Headers(), body: null }, 'no status'],
    ['returns a parsed body', { status: 200, headers: new Headers(), body: { a: 1 } }, '`body`'],
    ['returns a body as text', { status: 200, headers: new Headers(), body: '{}' }, '`body`'],
    ['returns no body', { status: 200, headers: new Headers() }, '`body`'],
    [
      'has read the body',
      (() => {
        const stream = body();
        stream?.getReader();
        return { status: 200, headers: new Headers(), body: stream };
      })(),
      'read already',
    ],
    ['returns headers as a Map', { status: 200, headers: new Map(), body: null }, 'a Map'],
    [
      'returns a stream of strings',
      { status: 200, headers: new Headers(), body: new Blob(['{}']).stream().pipeThrough(new TextDecoderStream()) },
      'not a stream of bytes',
    ],
  ])('because it %s, is named', async (_what, value, words) => {
    const { answer } = await respond({}, { fetch: async () => value as Response });
    const error = await refusalOf(answer);
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you', retryable: false });
    expect(error.message).toContain('"fetch"');
    expect(error.message).toContain(words);
  });

  it.each<[unknown, string]>([
    ['a string', 'it threw a string.'],
    [7, 'it threw a number.'],
    [undefined, 'it threw undefined.'],
    [null, 'it threw null.'],
    [{ code: 'E_X', message: 'no' }, 'it threw an object that is not an Error.'],
    [axiosError(401), 'it throws for the status 401.'],
    [Object.assign(new Error('no'), { code: 'ERR_BAD_REQUEST' }), 'it throws for an error status.'],
    [
      Object.assign(new Error('Response code 404'), { name: 'HTTPError', response: { statusCode: 404 } }),
      'status 404.',
    ],
    [Object.assign(new Error('no'), { name: 'HTTPError' }), 'it throws for an error status.'],
    [Object.assign(new Error('no'), { name: 'HTTPError', response: new Response('', { status: 403 }) }), 'status 403.'],
    [Object.assign(new Error('no'), { name: 'FetchError', status: 400, statusCode: 400 }), 'the status 400.'],
    [Object.assign(new Error('no'), { status: 401, headers: {} }), 'the status 401.'],
    [{ status: 401, headers: {} }, 'it throws for the status 401.'],
    [new Error('failed', { cause: axiosError(503) }), 'it throws for the status 503.'],
  ])('because it throws %p, is named', async (thrown, words) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const { answer } = await respond({}, { fetch: () => Promise.reject(thrown) });
    const error = await refusalOf(answer);
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you', retryable: false });
    expect(error.message).toContain(words);
  });

  it('because it throws before it returns a promise, is named', async () => {
    const { answer } = await respond(
      {},
      {
        fetch: () => {
          throw new Error('a fault in this function');
        },
      },
    );
    const error = await refusalOf(answer);
    expect(error).toMatchObject({ code: 'invalid_configuration', contact: 'you' });
    expect(error.message).toContain('before it returned a promise');
  });

  it.each([
    Object.assign(new Error('no'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('no'), { name: 'FetchError', type: 'system', code: 'ENOTFOUND' }),
    Object.assign(new Error('no'), { isAxiosError: true, code: 'ECONNRESET', response: undefined }),
    new TypeError('fetch failed'),
    { name: 'TypeError', message: 'an Error of another realm', stack: '' },
  ])('is not what throws the error of a connection (%s)', async (thrown) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    const { answer } = await respond({}, { fetch: () => Promise.reject(thrown) });
    expect(await refusalOf(answer)).toMatchObject({ code: 'unreachable' });
  });

  it('works if its body is a stream of Node.js, as that of node-fetch is', async () => {
    const fetch = async () =>
      ({ status: 200, headers: new Headers(), body: Readable.from([Buffer.from('{"a":1}')]) }) as unknown as Response;
    const { answer } = await respond({}, { fetch });
    expect((await answer).json).toEqual({ a: 1 });
  });
});

it('the clock of a peer is known from its last response on any leg', async () => {
  const peerClocks = new PeerClocks(systemClock);
  const ahead = new Date(Date.now() + 3_600_000).toUTCString();
  const { runtime, answer } = await respond({ headers: { date: ahead }, body: {} }, { peerClocks });
  await answer;
  const issuer = ABOUT.issuer ?? '';
  const skew = knownClockSkewSeconds(runtime, issuer, { headers: new Headers(), durationMs: 0 }) ?? 0;
  expect(Math.abs(skew - 3_600)).toBeLessThan(3);
  expect(
    knownClockSkewSeconds(runtime, issuer, { headers: new Headers({ date: new Date().toUTCString() }), durationMs: 0 }),
  ).toBeUndefined();
});

it.each([
  [{ date: 'Sat, 28 Nov 2026 12:00:00 GMT' }, '2026-11-28T12:00:00Z'],
  [{ date: 'Sat, 28 Nov 2026 12:00:00 GMT', age: '3600' }, '2026-11-28T13:00:00Z'],
  [{ date: 'Sat, 28 Nov 2026 12:00:00 GMT', age: 'old' }, undefined],
  [{ age: '3600' }, undefined],
])('the time of a peer with the headers %j is %s, also if a cache repeats an older response', (headers, time) => {
  expect(peerTimeMs(new Headers(headers))).toBe(time === undefined ? undefined : Date.parse(time));
});

describe('Retry-After', () => {
  it.each([
    [{ 'retry-after': '120' }, 120],
    [{ 'retry-after': ' 5 ' }, 5],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT', date: 'Fri, 20 Nov 2026 10:00:00 GMT' }, 30],
    [{ 'retry-after': 'Fri, 20 Nov 2026 09:00:00 GMT', date: 'Fri, 20 Nov 2026 10:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': '' }, undefined],
    [{}, undefined],
  ])('of the headers %p is %p seconds', (headers, seconds) => {
    expect(retryAfterSeconds(new Headers(headers as Record<string, string>))).toBe(seconds);
  });

  it('with a date is counted from our clock if the response has no Date header', () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    const seconds = retryAfterSeconds(new Headers({ 'retry-after': inAMinute })) ?? 0;
    expect(seconds).toBeGreaterThan(55);
    expect(seconds).toBeLessThanOrEqual(61);
  });
});

describe('a host from the metadata of a peer', () => {
  // The name resolves to an address of this machine, and the name itself does not show it.
  const local = hostname();

  it('is refused before a connection if its name resolves to an address of this machine', async () => {
    const { fetch: _replaced, ...rest } = testRuntime();
    const runtime = { ...rest, fetch: defaultFetch };
    const url = `https://${local}:${new URL(peer.origin).port}/token`;
    const error = await refusalOf(send(runtime, url, {}, { ...ABOUT, configuredUrl: new URL('https://idp.invalid') }));
    expect(error).toMatchObject({ code: 'forbidden_url', leg: 'exchange', contact: 'idp-admin', retryable: false });
    expect(error.message).toMatch(/resolves to a (?:loopback|private|link-local) address/u);
    expect(peer.requests).toEqual([]);
  });
});

describe('the URL in an event or an error', () => {
  it.each([
    ['https://as.example/token?a=b#c', 'https://as.example/token'],
    ['https://user:hunter2@as.example/token?a=b', 'https://as.example/token'],
    ['https://hunter2@as.example', 'https://as.example/'],
    ['https:\\\\user:hunter2@as.example/token', 'https://as.example/token'],
    ['https://as.example/a@b', 'https://as.example/a@b'],
    ['https://user:hunter2@[/token', 'https://[/token'],
    [`https://as.example/${'a'.repeat(1_000)}`, `https://as.example/${'a'.repeat(180)}…`],
  ])('has no query, fragment, user name and password: %s', (url, shown) => {
    expect(withoutQuery(url)).toBe(shown);
  });
});
