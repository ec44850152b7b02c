import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { environmentProxy } from './environment-proxy.ts';
import { defaultFetch, environmentProxyFetch } from './fetch-like.ts';
import { fetchNamedBy, forbiddenAddressIn } from './fetch-named.ts';
import { invalidProxyVariable } from './proxy-variables.ts';
import type { Resolve } from './resolved-address.ts';

const PROXY = 'http://proxy.acme.example:3128';

describe('the proxy that the environment names', () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    ['https://as.example/token', { HTTPS_PROXY: PROXY }, 'HTTPS_PROXY'],
    ['https://as.example/token', { https_proxy: PROXY }, 'https_proxy'],
    ['https://as.example/token', { HTTP_PROXY: PROXY }, 'HTTP_PROXY'],
    ['https://as.example/token', { http_proxy: PROXY, HTTPS_PROXY: PROXY }, 'HTTPS_PROXY'],
    ['http://as.example/token', { HTTPS_PROXY: PROXY }, undefined],
    ['http://as.example/token', { HTTP_PROXY: PROXY }, 'HTTP_PROXY'],
    ['https://as.example/token', { HTTPS_PROXY: '' }, undefined],
    ['https://as.example/token', { https_proxy: '', HTTPS_PROXY: PROXY }, undefined],
    ['https://as.example/token', {}, undefined],
    ['https://as.example/token', { HTTPS_PROXY: PROXY, NO_PROXY: 'example' }, undefined],
    ['https://as.example/token', { HTTPS_PROXY: PROXY, NO_PROXY: 'localhost, .As.Example' }, undefined],
    ['https://as.example/token', { HTTPS_PROXY: PROXY, NO_PROXY: '*.as.example' }, undefined],
    ['https://as.example/token', { HTTPS_PROXY: PROXY, no_proxy: '*' }, undefined],
    ['https://as.example/token', { HTTPS_PROXY: PROXY, NO_PROXY: 'as.example:443' }, undefined],
    ['https://as.example/token', { HTTPS_PROXY: PROXY, NO_PROXY: 'as.example:8443' }, 'HTTPS_PROXY'],
    ['https://as.example/token', { HTTPS_PROXY: PROXY, NO_PROXY: 's.example' }, 'HTTPS_PROXY'],
    ['https://as.example/token', { HTTPS_PROXY: PROXY, NO_PROXY: '' }, 'HTTPS_PROXY'],
  ])('for %s with %j is named by %s', (url, env, variable) => {
    expect(environmentProxy(url, environmentProxyFetch, env)?.variable).toBe(variable);
  });

  it('is not used by the global fetch of Node.js, and it is not known whether another fetch uses it', () => {
    const env = { HTTPS_PROXY: PROXY };
    expect(environmentProxy('https://as.example', environmentProxyFetch, env)?.isUsed).toBe(true);
    expect(environmentProxy('https://as.example', defaultFetch, env)?.isUsed).toBe(false);
    expect(environmentProxy('https://localhost', defaultFetch, env)).toBeUndefined();
    expect(environmentProxy('https://as.example', async () => new Response(), env)).toBeUndefined();
  });

  it.each([
    [{ HTTPS_PROXY: 'proxy.acme.example:3128' }, 'HTTPS_PROXY'],
    [{ http_proxy: 'socks5://proxy.acme.example' }, 'http_proxy'],
    [{ HTTP_PROXY: ' ' }, 'HTTP_PROXY'],
    [{ HTTPS_PROXY: 'https://user:pass@proxy.acme.example', HTTP_PROXY: '' }, undefined],
    [{}, undefined],
  ])('is invalid in %j: %s', (env, name) => {
    expect(invalidProxyVariable(env)).toBe(name);
  });
});

describe('environmentProxyFetch', () => {
  const saved = { ...process.env };
  let server: Server;
  let port: number;
  let seen: string[];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push(
          `${request.method} ${request.headers.host} ${String(request.headers['x-a'])} ${Buffer.concat(chunks).toString()}`,
        );
        response.writeHead(418, { 'set-cookie': ['a=1', 'b=2'] }).end('teapot');
      });
    }).on('connect', ({ url }, socket, head: Buffer) => {
      seen.push(`CONNECT ${url}`);
      const target = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        target.write(head);
        socket.pipe(target).pipe(socket);
      });
      for (const end of [socket, target]) end.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  beforeEach(() => {
    seen = [];
    process.env = { HTTP_PROXY: `http://127.0.0.1:${port}` };
  });
  afterAll(() => {
    process.env = saved;
    server.closeAllConnections();
    server.close();
  });

  it.each<[string, () => Promise<Response>]>([
    [
      'a URL',
      () =>
        environmentProxyFetch(new URL('http://mcp.test/x'), {
          method: 'POST',
          headers: new Headers({ 'x-a': '1' }),
          body: 'body',
        }),
    ],
    [
      'a Request',
      () =>
        environmentProxyFetch(
          new Request('http://mcp.test/x', { method: 'POST', headers: { 'x-a': '1' }, body: 'body' }),
        ),
    ],
  ])('sends %s through the proxy and returns a Response of the global class', async (_what, send) => {
    const response = await send();
    expect(response).toBeInstanceOf(Response);
    expect([response.status, await response.text(), response.headers.getSetCookie()]).toEqual([
      418,
      'teapot',
      ['a=1', 'b=2'],
    ]);
    expect(seen.at(-1)).toBe('POST mcp.test 1 body');
  });

  it('sends a request to a host in NO_PROXY without the proxy, also if the variable is set later', async () => {
    process.env['NO_PROXY'] = '127.0.0.1';
    await environmentProxyFetch(`http://127.0.0.1:${port}/`);
    expect(seen).toEqual([`GET 127.0.0.1:${port} undefined `]);
  });

  it('leaves a name of a peer to the proxy, and checks the address of a name in NO_PROXY', async () => {
    const resolve: Resolve = async (host) => [
      { address: host === 'idp.test' ? '203.0.113.1' : '127.0.0.1', family: 4 },
    ];
    const send = fetchNamedBy(new URL('https://idp.test'), environmentProxyFetch, {}, resolve);
    expect((await send('http://as.test/token')).status).toBe(418);
    expect(seen[0]).toBe('CONNECT as.test:80');

    seen = [];
    process.env['NO_PROXY'] = 'as.test';
    const error: unknown = await send(`http://as.test:${port}/token`).catch((reason: unknown) => reason);
    expect(forbiddenAddressIn(error)).toMatchObject({ kind: 'loopback' });
    expect(seen).toEqual([]);
  });
});
