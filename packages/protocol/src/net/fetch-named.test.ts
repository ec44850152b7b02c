import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultFetch, type FetchLike } from './fetch-like.ts';
import { fetchNamedBy, forbiddenAddressIn } from './fetch-named.ts';
import { decideNamedUrl } from './named-url.ts';
import type { Resolve } from './resolved-address.ts';

let server: Server;
let port: number;
let requests: string[];
let connections = 0;
let closed: Promise<unknown> | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.headers.host} ${request.url}`);
    if (request.url === '/status-999') {
      closed = new Promise((resolve) => response.on('close', resolve));
      response.writeHead(999).write('a body that does not end');
      return;
    }
    response.setHeader('set-cookie', ['a=1', 'b=2']).setHeader('content-type', 'application/json');
    response.statusCode = request.url === '/nothing' ? 204 : 200;
    response.end(response.statusCode === 204 ? undefined : '{"hello":"world"}');
  }).on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
beforeEach(() => {
  requests = [];
  connections = 0;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

/** A resolver that reads `table` and records the host names it resolved. */
function resolver(table: Record<string, string[]>): { resolve: Resolve; resolved: string[] } {
  const resolved: string[] = [];
  const resolve: Resolve = async (hostname) => {
    resolved.push(hostname);
    const addresses = table[hostname];
    if (addresses === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return { resolve, resolved };
}

const named = (host: string, path = '/token') => `http://${host}:${port}${path}`;

describe('a host name that a peer named', () => {
  it.each([
    ['loopback', ['127.0.0.1']],
    ['loopback', ['203.0.113.7', '127.0.0.1']],
    ['loopback', ['::1']],
    ['loopback', ['::ffff:127.0.0.1']],
    ['private', ['10.0.0.1']],
    ['private', ['64:ff9b::10.0.0.1']],
    ['link-local', ['169.254.169.254']],
    ['reserved', ['0.0.0.0']],
  ])('is refused before a connection when it resolves to a %s address: %j', async (kind, addresses) => {
    const { resolve } = resolver({ 'evil.example': addresses, 'idp.example': ['203.0.113.1'] });
    const fetch = fetchNamedBy(new URL('https://idp.example'), defaultFetch, {}, resolve);
    const error: unknown = await fetch(named('evil.example')).catch((reason: unknown) => reason);
    expect(forbiddenAddressIn(error)).toMatchObject({ kind, message: `the host resolves to a ${kind} address` });
    expect({ requests, connections }).toEqual({ requests: [], connections: 0 });
  });

  it('is refused when the configured host does not resolve', async () => {
    const { resolve } = resolver({ 'evil.example': ['127.0.0.1'] });
    const fetch = fetchNamedBy(new URL('https://idp.example'), defaultFetch, {}, resolve);
    await expect(fetch(named('evil.example'))).rejects.toThrow(TypeError);
    expect(connections).toBe(0);
  });

  it.each([
    ['resolves to a loopback address', 'https://idp.example', { 'idp.example': ['127.0.0.1'] }],
    ['is a loopback address', 'http://127.0.0.1:1', {}],
  ])('may resolve to a loopback address when the configured host %s', async (_when, configuredUrl, table) => {
    const { resolve } = resolver({ ...table, 'as.example': ['127.0.0.1'] });
    const fetch = fetchNamedBy(new URL(configuredUrl), defaultFetch, {}, resolve);
    const answer = await fetch(named('as.example'), { method: 'POST', body: 'x', redirect: 'manual' });
    expect(answer).toBeInstanceOf(Response);
    expect(await answer.json()).toEqual({ hello: 'world' });
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(requests).toEqual([`POST as.example:${port} /token`]);
  });

  it('yields a response without a body for the status 204', async () => {
    const { resolve } = resolver({ 'as.example': ['127.0.0.1'] });
    const fetch = fetchNamedBy(new URL('http://127.0.0.1'), defaultFetch, {}, resolve);
    const { status, body } = await fetch(named('as.example', '/nothing'));
    expect({ status, body }).toEqual({ status: 204, body: null });
  });

  it('that does not resolve causes the same error as with the global fetch', async () => {
    const { resolve } = resolver({});
    const fetch = fetchNamedBy(new URL('https://idp.example'), defaultFetch, {}, resolve);
    await expect(fetch(named('nowhere.example'))).rejects.toMatchObject({ cause: { code: 'ENOTFOUND' } });
  });

  it('is not resolved when the configured host has the same name', async () => {
    const { resolve, resolved } = resolver({});
    const fetch = fetchNamedBy(new URL(`http://127.0.0.1:1`), defaultFetch, {}, resolve);
    expect((await fetch(named('127.0.0.1'))).status).toBe(200);
    expect(resolved).toEqual([]);
  });
});

describe('fetchNamedBy checks no address', () => {
  const own: FetchLike = async () => new Response('mine');

  it("for the caller's own fetch function", () => {
    expect(fetchNamedBy(new URL('https://idp.example'), own)).toBe(own);
  });

  it('with allowPrivateAddresses', () => {
    const trust = { allowPrivateAddresses: true };
    expect(fetchNamedBy(new URL('https://idp.example'), defaultFetch, trust)).toBe(defaultFetch);
  });

  it('for a global fetch that was replaced', async () => {
    const { resolve, resolved } = resolver({ 'as.example': ['127.0.0.1'] });
    const before = globalThis.fetch;
    globalThis.fetch = () => own('');
    try {
      const fetch = fetchNamedBy(new URL('https://idp.example'), defaultFetch, {}, resolve);
      expect(await (await fetch(named('as.example'))).text()).toBe('mine');
      expect(resolved).toEqual([]);
    } finally {
      globalThis.fetch = before;
    }
  });

  it('for a global dispatcher that is a proxy, because the proxy resolves the names', async () => {
    const key = Symbol.for('undici.globalDispatcher.1');
    const before: unknown = Reflect.get(globalThis, key);
    class ProxyAgent {
      dispatch(_options: unknown, handler: { onError(error: Error): void }) {
        handler.onError(new Error('through the proxy'));
        return true;
      }
    }
    Reflect.set(globalThis, key, new ProxyAgent());
    try {
      const { resolve, resolved } = resolver({ 'as.example': ['127.0.0.1'] });
      const fetch = fetchNamedBy(new URL('https://idp.example'), defaultFetch, {}, resolve);
      await expect(fetch(named('as.example'))).rejects.toThrow('fetch failed');
      expect(resolved).toEqual([]);
    } finally {
      Reflect.set(globalThis, key, before);
    }
  });
});

describe('the configured host', () => {
  it.each([
    ['also has a public address', ['203.0.113.9', '127.0.0.1']],
    ['has link-local addresses', ['169.254.169.254']],
    ['has reserved addresses', ['0.0.0.0', '127.0.0.1']],
  ])('allows no special address if it %s', async (_case, addresses) => {
    const table = { 'idp.example': addresses, 'evil.example': ['127.0.0.1'], 'evil2.example': ['169.254.169.254'] };
    const { resolve } = resolver(table);
    const fetch = fetchNamedBy(new URL('https://idp.example'), defaultFetch, {}, resolve);
    for (const host of ['evil.example', 'evil2.example']) {
      const error: unknown = await fetch(named(host)).catch((reason: unknown) => reason);
      expect(forbiddenAddressIn(error)).toBeInstanceOf(Error);
    }
    expect(connections).toBe(0);
  });
});

it('a resolver that returns no address makes the request fail', async () => {
  const { resolve } = resolver({ 'as.example': [] });
  const fetch = fetchNamedBy(new URL('https://idp.example'), defaultFetch, {}, resolve);
  await expect(fetch(named('as.example'))).rejects.toThrow('fetch failed');
});

it('the global fetch passed as an option is checked in the same way as the default fetch', async () => {
  const { resolve } = resolver({ 'evil.example': ['127.0.0.1'] });
  const fetch = fetchNamedBy(new URL('https://idp.example'), globalThis.fetch, {}, resolve);
  const error: unknown = await fetch(named('evil.example')).catch((reason: unknown) => reason);
  expect(forbiddenAddressIn(error)).toBeInstanceOf(Error);
});

it('a response with a status that Response does not support rejects the request, and the connection is closed', async () => {
  const { resolve } = resolver({ 'as.example': ['127.0.0.1'] });
  const fetch = fetchNamedBy(new URL('http://127.0.0.1'), defaultFetch, {}, resolve);
  await expect(fetch(named('as.example', '/status-999'))).rejects.toThrow(RangeError);
  await closed;
});

describe('an address that a peer named', () => {
  it.each([
    ['https://10.0.0.6/token', undefined],
    ['http://10.0.0.6/token', 'plain-http'],
    ['https://127.0.0.1/token', 'address'],
    ['https://169.254.169.254/', 'address'],
  ])('%s is compared with the addresses of the configured host: the fault is %s', async (url, fault) => {
    const { resolve } = resolver({ 'idp.corp.example': ['10.0.0.5'] });
    const configuredUrl = new URL('https://idp.corp.example');
    expect((await decideNamedUrl(url, configuredUrl, defaultFetch, {}, resolve)).fault).toBe(fault);
  });

  it('is judged in the same way if the global fetch is passed as an option', async () => {
    const { resolve } = resolver({ 'idp.corp.example': ['10.0.0.5'] });
    const configured = new URL('https://idp.corp.example');
    const verdict = await decideNamedUrl('https://10.0.0.6/', configured, globalThis.fetch, {}, resolve);
    expect(verdict.fault).toBeUndefined();
  });

  it("is refused without a name resolution for the caller's own fetch function", async () => {
    const { resolve, resolved } = resolver({ 'idp.corp.example': ['10.0.0.5'] });
    const own: FetchLike = async () => new Response('mine');
    const verdict = await decideNamedUrl('https://10.0.0.6/', new URL('https://idp.corp.example'), own, {}, resolve);
    expect({ verdict, resolved }).toEqual({ verdict: { fault: 'address', kind: 'private' }, resolved: [] });
  });
});
