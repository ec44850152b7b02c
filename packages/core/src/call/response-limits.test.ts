import { gzipSync, deflateSync, brotliCompressSync } from 'node:zlib';
import type { FetchLike } from '@credence/protocol';
import { afterEach, describe, expect, it } from '@jest/globals';
import { endless, type Peer, type PeerRoute, startPeer } from '../../../../test/support/peer.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { isCredenceError } from '../errors/credence-error.ts';
import type { ServicePrincipalOptions } from '../principal/options.ts';
import { ServicePrincipal } from '../principal/service-principal.ts';
import type { CredenceEvent } from '../runtime/events.ts';
import type { CallLimits } from '../settings/settings.ts';
import { onBodyRefused } from './response-body.ts';

const MIB = 1024 * 1024;
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});

interface World {
  readonly url: string;
  readonly fetch: FetchLike;
  readonly mcp: Peer;
  readonly events: CredenceEvent[];
  /** The error of reading the body of a POST in this way. */
  readonly refusal: (read: (response: Response) => unknown) => Promise<unknown>;
}

async function start(
  answer: PeerRoute,
  limits: Partial<CallLimits> = {},
  principal: Partial<ServicePrincipalOptions> = {},
): Promise<World> {
  const as = await startPeer({ 'POST /token': { body: { access_token: 'a-token', token_type: 'Bearer' } } });
  const mcp = await startPeer({ '*': answer });
  const url = `${mcp.origin}/mcp`;
  const events: CredenceEvent[] = [];
  opened.push(as, mcp);
  const bot = new ServicePrincipal({
    onEvent: (event) => void events.push(event),
    servers: {
      notes: {
        flow: 'client-credentials',
        url,
        resource: url,
        issuer: as.origin,
        tokenEndpoint: `${as.origin}/token`,
        credential: clientSecret({ clientId: 'bot', secret: 'at-the-as' }),
        limits,
      },
    },
    ...principal,
  });
  opened.push(bot);
  const fetch = bot.fetchFor('notes');
  const refusal = async (read: (response: Response) => unknown) => {
    try {
      await read(await fetch(url, { method: 'POST', body: '{}' }));
    } catch (error) {
      return error;
    }
    throw new Error('nothing was refused');
  };
  return { url, fetch, mcp, events, refusal };
}

/** The ways to read a body. */
const READERS: Readonly<Record<string, (response: Response) => unknown>> = {
  json: async (response) => response.json(),
  text: async (response) => response.text(),
  arrayBuffer: async (response) => response.arrayBuffer(),
  blob: async (response) => response.blob(),
  'a reader': async (response) => {
    const reader = response.body?.getReader();
    while (!(await reader?.read())?.done);
  },
  'a loop': async (response) => {
    for await (const chunk of response.body ?? []) expect(chunk.byteLength).toBeGreaterThan(0);
  },
  'a pipe': async (response) => response.body?.pipeTo(new WritableStream()),
  'a transform': async (response) => {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    while (!(await reader?.read())?.done);
  },
  'a clone': async (response) => {
    const clone = response.clone();
    void response.body?.cancel();
    await clone.text();
  },
  'the original of a clone': async (response) => {
    const clone = response.clone();
    void clone.body?.cancel();
    await response.text();
  },
  'another Response': async (response) => new Response(response.body).text(),
};

const tooLarge = {
  code: 'response_too_large',
  leg: 'call',
  server: 'notes',
  contact: 'server-owner',
  status: 200,
  retryable: false,
};

describe('a body without an end', () => {
  it.each(Object.entries(READERS))('is cancelled at the limit when it is read by %s', async (_name, read) => {
    const { mcp, refusal } = await start(endless(), { bodyBytes: 2 * MIB });
    const error = await refusal(read);
    expect(error).toMatchObject(tooLarge);
    if (isCredenceError(error)) expect(error.remedy).toContain('servers.notes.limits.bodyBytes');
    await expectEnded(mcp, 24 * MIB);
  });

  it('of an error response is limited too, also if it is called an event stream', async () => {
    const { mcp, refusal } = await start(
      endless({ status: 500, headers: { 'content-type': 'text/event-stream' }, chunk: 'data: x\n\n'.repeat(2_000) }),
      { bodyBytes: 2 * MIB },
    );
    expect(await refusal(READERS['text'] ?? String)).toMatchObject({ ...tooLarge, status: 500 });
    await expectEnded(mcp, 24 * MIB);
  });

  it('is called a failed call in an event, once', async () => {
    const { events, refusal } = await start(endless(), { bodyBytes: MIB });
    await refusal(READERS['text'] ?? String);
    expect(events.filter(({ type }) => type === 'call-failed')).toEqual([
      expect.objectContaining({ code: 'response_too_large', leg: 'call', server: 'notes', contact: 'server-owner' }),
    ]);
  });
});

describe('a compressed body', () => {
  const zeros = Buffer.alloc(64 * MIB, 32);
  async function* once(bytes: Uint8Array) {
    yield bytes;
  }
  it.each([
    ['gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['br', brotliCompressSync(zeros)],
    ['gzip, gzip', gzipSync(gzipSync(zeros))],
  ])('with %s is refused for the size of its content, not read to its end', async (encoding, bytes) => {
    for (const [type, read] of [
      ['application/json', 'json'],
      ['text/event-stream', 'a transform'],
    ] as const) {
      const { refusal } = await start({
        headers: { 'content-type': type, 'content-encoding': encoding },
        body: once(bytes),
      });
      expect(await refusal(READERS[read] ?? String)).toMatchObject(tooLarge);
    }
  });

  it.each(['application/json', 'text/event-stream'])(
    'of type %s without an end is cancelled at the limit',
    async (type) => {
      const member = gzipSync(Buffer.alloc(MIB, 32));
      const { mcp, refusal } = await start({
        async onWire({ response, write }) {
          response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' });
          while (await write(member));
        },
      });
      expect(await refusal(READERS['a reader'] ?? String)).toMatchObject(tooLarge);
      // The buffers of the connection and of the decompression hold some hundred kilobytes.
      await expectEnded(mcp, 24 * MIB);
    },
  );

  it('with a Content-Length below the limit is refused for the size of its content', async () => {
    const bytes = gzipSync(zeros);
    const { refusal } = await start({
      onWire: ({ response }) => {
        response.writeHead(200, {
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          'content-length': bytes.length,
        });
        response.end(bytes);
      },
    });
    expect(await refusal(READERS['json'] ?? String)).toMatchObject(tooLarge);
  });

  it('within the limit is passed on byte for byte', async () => {
    const text = JSON.stringify({ text: 'ünïcode '.repeat(10_000) });
    const { url, fetch } = await start({
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: once(gzipSync(text)),
    });
    expect(await (await fetch(url)).text()).toBe(text);
  });
});

describe('a Content-Length above the limit', () => {
  it('is refused before the body is read', async () => {
    const { mcp, events, refusal } = await start(endless({ headers: { 'content-length': String(500 * MIB) } }), {
      bodyBytes: MIB,
    });
    expect(await refusal(() => undefined)).toMatchObject(tooLarge);
    await expectEnded(mcp, 4 * MIB);
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'leg', leg: 'call', ok: false, code: 'response_too_large' }),
    );
  });

  it('of a response to HEAD is no reason to refuse it', async () => {
    const { url, fetch } = await start({ headers: { 'content-length': String(500 * MIB) } });
    const response = await fetch(url, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it.each([204, 304])('of a %d is no reason to refuse it', async (status) => {
    const { url, fetch } = await start({ status, headers: { 'content-length': String(500 * MIB) } });
    expect((await fetch(url)).body).toBeNull();
  });
});

it('a fetch of the caller that passes on a false Content-Length does not lift the limit', async () => {
  const { url, fetch } = await start(
    {},
    { bodyBytes: MIB },
    {
      fetch: async (input, init) =>
        (input instanceof Request ? input.url : input.toString()).endsWith('/token')
          ? globalThis.fetch(input, init)
          : new Response('x'.repeat(2 * MIB), { headers: { 'content-length': '10' } }),
    },
  );
  await expect((await fetch(url)).text()).rejects.toMatchObject({ code: 'response_too_large' });
});

describe('an event stream', () => {
  const sse = { 'content-type': 'Text/Event-Stream; charset=utf-8' };

  it.each([
    ['a data line without an end', 'x'.repeat(16_384), 'data: '],
    ['a comment without an end', 'x'.repeat(16_384), ': '],
    ['an id without an end', '1'.repeat(16_384), 'id: '],
    ['an event of endless lines', 'data: x\r\n'.repeat(2_000), ''],
  ])('with %s is cancelled at the limit', async (_what, chunk, before) => {
    const { mcp, refusal } = await start(
      {
        async onWire({ response, write }) {
          response.writeHead(200, sse);
          await write(`data: first\n\n${before}`);
          while (await write(chunk));
        },
      },
      { eventBytes: 2 * MIB },
    );
    const error = await refusal(READERS['a transform'] ?? String);
    expect(error).toMatchObject(tooLarge);
    if (isCredenceError(error)) expect(error.remedy).toContain('servers.notes.limits.eventBytes');
    await expectEnded(mcp, 24 * MIB);
  });

  it('is not limited as a whole, is passed on as it arrives, and stops when the reader does', async () => {
    const chunk = `data: ${'x'.repeat(1_000)}\n\n`.repeat(16);
    const { mcp, url, fetch } = await start(endless({ headers: sse, chunk }), {
      eventBytes: 10_000,
      bodyBytes: 10_000,
    });
    const response = await fetch(url);
    const reader = response.body?.getReader();
    let bytes = 0;
    while (bytes < 4 * MIB) bytes += (await reader?.read())?.value?.byteLength ?? NaN;
    // Nobody reads: the server cannot write more than the buffers of the connection hold.
    const written = await settled(mcp);
    expect(written - bytes).toBeLessThan(16 * MIB);
    await reader?.cancel();
    await expectEnded(mcp, written + 16 * MIB);
  });

  it('has the first event before the second is sent', async () => {
    let sendSecond = () => {};
    const second = new Promise<void>((resolve) => (sendSecond = resolve));
    async function* events() {
      yield 'data: 1\n\n';
      await second;
      yield 'data: 2\n\n';
    }
    const { url, fetch } = await start({ headers: sse, body: events() });
    const reader = (await fetch(url)).body?.pipeThrough(new TextDecoderStream()).getReader();
    expect(await reader?.read()).toEqual({ done: false, value: 'data: 1\n\n' });
    sendSecond();
    expect(await reader?.read()).toEqual({ done: false, value: 'data: 2\n\n' });
    expect((await reader?.read())?.done).toBe(true);
  });

  it('tells a listener why it ended', async () => {
    const { url, fetch } = await start(endless({ headers: sse, chunk: 'x'.repeat(16_384) }), { eventBytes: MIB });
    const response = await fetch(url);
    const refusals: unknown[] = [];
    onBodyRefused(response, (refusal) => void refusals.push(refusal));
    const error = await response.text().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(tooLarge);
    expect(refusals).toEqual([error]);
  });
});

describe('a response within the limits', () => {
  async function* chunks() {
    yield '{"text":"';
    yield 'ünïcode';
    yield '"}';
  }

  it.each([
    ['with a length', { body: { text: 'ünïcode' } }],
    ['in chunks', { headers: { 'content-type': 'application/json', 'x-own': 'yes' }, body: chunks() }],
  ] as const)('%s is the response of fetch', async (_what, answer) => {
    const { url, fetch } = await start(answer);
    const response = await fetch(`${url}?a=b`, { method: 'POST', body: '{}' });
    expect(response).toBeInstanceOf(Response);
    expect(response).toMatchObject({ status: 200, ok: true, redirected: false, url: `${url}?a=b`, bodyUsed: false });
    expect(response.body).toBe(response.body);
    const clone = response.clone();
    expect(clone).toMatchObject({ status: 200 });
    expect(await clone.json()).toEqual({ text: 'ünïcode' });
    expect(await response.text()).toBe('{"text":"ünïcode"}');
    expect(response.bodyUsed).toBe(true);
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(() => response.clone()).toThrow(TypeError);
    expect(response.headers.get('content-type')).toBe('application/json');
  });

  it('can be read as bytes, as a Blob with its type, and as a form', async () => {
    async function* form() {
      yield 'a=1&b=%C3%BC';
    }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { url, fetch } = await start(() => ({ headers, body: form() }));
    expect(Buffer.from(await (await fetch(url)).arrayBuffer()).toString()).toBe('a=1&b=%C3%BC');
    expect((await (await fetch(url)).blob()).type).toBe('application/x-www-form-urlencoded');
    expect((await (await fetch(url)).formData()).get('b')).toBe('ü');
  });

  it('reports a locked body as fetch does', async () => {
    const { url, fetch } = await start(() => ({ body: chunks() }));
    const response = await fetch(url);
    const reader = response.body?.getReader();
    await expect(response.text()).rejects.toThrow(TypeError);
    reader?.releaseLock();
    expect(await response.json()).toEqual({ text: 'ünïcode' });
  });

  it('ends with the error of the connection if that breaks', async () => {
    const { refusal } = await start({
      async onWire({ response, write }) {
        response.writeHead(200, { 'content-type': 'application/json' });
        await write('{"a":');
        response.destroy();
      },
    });
    expect(await refusal(READERS['json'] ?? String)).toBeInstanceOf(TypeError);
  });

  it('ends with the reason of the signal if the caller aborts while it reads', async () => {
    const { url, fetch } = await start(
      endless({ headers: { 'content-type': 'text/event-stream' }, chunk: 'data: x\n\n' }),
    );
    const controller = new AbortController();
    const response = await fetch(url, { signal: controller.signal });
    const text = response.text();
    controller.abort(new Error('enough'));
    await expect(text).rejects.toThrow('enough');
  });
});

describe('the limits', () => {
  const body = (size: number) => ({ headers: { 'content-type': 'application/json' }, body: 'x'.repeat(size) });

  it('of a server come before those of the principal, and these before the defaults', async () => {
    const both = await start(body(3_000), { bodyBytes: 2_000 }, { limits: { bodyBytes: 4_000 } });
    expect(await both.refusal(READERS['text'] ?? String)).toMatchObject({ code: 'response_too_large' });
    const principal = await start(body(3_000), {}, { limits: { bodyBytes: 2_000 } });
    expect(await principal.refusal(READERS['text'] ?? String)).toMatchObject({ code: 'response_too_large' });
    const neither = await start(body(15 * MIB));
    expect((await (await neither.fetch(neither.url)).text()).length).toBe(15 * MIB);
  });

  it.each([0, -1, 1.5, NaN, '16MB', null])('are not %j', async (bodyBytes) => {
    await expect(start({}, { bodyBytes } as unknown as CallLimits)).rejects.toMatchObject({
      code: 'invalid_configuration',
    });
  });
});

describe('the body of a Request', () => {
  it('above the limit is refused before the call is sent, and its stream is cancelled', async () => {
    const { url, fetch, mcp, events } = await start({ body: {} }, { requestBytes: MIB });
    let pulled = 0;
    let cancelled = false;
    const body = new ReadableStream({
      pull(controller) {
        pulled += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel: () => void (cancelled = true),
    });
    const request = new Request(url, { method: 'POST', body, duplex: 'half' });
    await expect(fetch(request)).rejects.toMatchObject({
      code: 'request_too_large',
      leg: 'call',
      contact: 'you',
      remedy: expect.stringContaining('servers.notes.limits.requestBytes'),
    });
    expect({ cancelled, calls: mcp.requests.length, few: pulled < 2 * MIB }).toEqual({
      cancelled: true,
      calls: 0,
      few: true,
    });
    expect(events).toContainEqual(expect.objectContaining({ type: 'call-failed', code: 'request_too_large' }));
  });

  it('of the size of the limit is sent', async () => {
    const { url, fetch, mcp } = await start({ body: {} }, { requestBytes: 10_000 });
    await fetch(new Request(url, { method: 'POST', body: 'x'.repeat(10_000) }));
    expect(mcp.requests[0]?.body).toHaveLength(10_000);
  });
});

/** Waits until the peer writes nothing more, and returns how many bytes it has written. */
async function settled(mcp: Peer): Promise<number> {
  for (let before = -1; ;) {
    const now = mcp.bytesWritten();
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Expects that the peer could write no more than this, because the connection was closed. */
async function expectEnded(mcp: Peer, maxBytes: number): Promise<void> {
  expect(await settled(mcp)).toBeLessThan(maxBytes);
}
