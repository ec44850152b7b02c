import { describe, expect, it } from '@jest/globals';
import { Hono } from 'hono';
import { type BrowserAccessOptions, createBrowserAccess } from './browser-access.ts';

const BODY = { error: 'forbidden' };
const URL_ = 'http://mcp.example/mcp';

const access = (options: BrowserAccessOptions) => createBrowserAccess('test', options, BODY);

async function send(options: BrowserAccessOptions, headers: Record<string, string>, method = 'POST', url = URL_) {
  const serve = () => new Response('served', { status: 401, headers: { 'www-authenticate': 'Bearer' } });
  return access(options).fetch(new Request(url, { method, headers }), serve);
}

describe('browser access', () => {
  it.each<[BrowserAccessOptions, Record<string, string>, number]>([
    [{}, {}, 401],
    [{}, { origin: 'https://app.example' }, 403],
    [{ origins: ['https://app.example'] }, { origin: 'https://app.example' }, 401],
    [{ origins: ['https://app.example'] }, { origin: 'https://app.example:8443' }, 403],
    [{ origins: ['https://app.example'] }, { origin: 'http://app.example' }, 403],
    [{ origins: ['https://app.example'] }, { origin: 'https://app.example.evil.example' }, 403],
    [{ origins: ['https://app.example'] }, { origin: 'null' }, 403],
    [{ origins: '*' }, { origin: 'null' }, 401],
    [{ origins: 'loopback' }, { origin: 'http://localhost:6274' }, 401],
    [{ origins: 'loopback' }, { origin: 'http://[::1]:6274' }, 401],
    [{ origins: 'loopback' }, { origin: 'http://localhost.evil.example' }, 403],
    [{ origins: 'loopback' }, { origin: '' }, 403],
    [{ hosts: ['mcp.example'] }, { host: 'mcp.example:443' }, 401],
    [{ hosts: ['mcp.example'] }, { host: 'evil.example' }, 403],
    [{ hosts: ['mcp.example'] }, { host: 'mcp.example@evil.example' }, 403],
    [{ hosts: 'loopback' }, { host: '127.0.0.1:3000' }, 401],
    [{ hosts: 'loopback' }, { host: '[::1]:3000' }, 401],
    [{ hosts: 'loopback' }, { host: 'evil.example' }, 403],
    [{ hosts: 'loopback', origins: '*' }, { host: 'evil.example', origin: 'http://evil.example' }, 403],
  ])('with %j answers a request with %j with %i', async (options, headers, status) => {
    const response = await send(options, headers);
    expect(response.status).toBe(status);
    if (status === 403) await expect(response.json()).resolves.toEqual(BODY);
  });

  it('lets a page of an allowed origin send the headers of MCP, and read those of the response', async () => {
    const options = { origins: ['https://app.example'] };
    const preflight = await send(
      options,
      { origin: 'https://app.example', 'access-control-request-method': 'POST' },
      'OPTIONS',
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(preflight.headers.get('access-control-allow-methods')).toContain('DELETE');
    for (const name of ['Authorization', 'DPoP', 'Mcp-Session-Id', 'Mcp-Protocol-Version', 'Last-Event-ID']) {
      expect(preflight.headers.get('access-control-allow-headers')).toContain(name);
    }
    expect(preflight.headers.get('vary')).toBe('Origin');
    expect(preflight.headers.has('access-control-allow-credentials')).toBe(false);
    const response = await send(options, { origin: 'https://app.example' });
    for (const name of ['WWW-Authenticate', 'Mcp-Session-Id', 'DPoP-Nonce']) {
      expect(response.headers.get('access-control-expose-headers')).toContain(name);
    }
    await expect(response.text()).resolves.toBe('served');
  });

  it('passes an OPTIONS request that is no preflight, and answers a preflight of a page that is not allowed with 403', async () => {
    expect((await send({}, { origin: 'https://app.example' }, 'OPTIONS')).status).toBe(403);
    expect((await send({}, {}, 'OPTIONS')).status).toBe(401);
    const preflight = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const response = await send({}, preflight, 'OPTIONS');
    expect(response.status).toBe(403);
    expect(response.headers.has('access-control-allow-origin')).toBe(false);
  });

  it('adds its headers to the responses of Hono', async () => {
    const app = new Hono();
    app.use(access({ origins: '*' }).hono);
    app.post('/mcp', (context) => context.text('served'));
    const response = await app.request('/mcp', { method: 'POST', headers: { origin: 'https://app.example' } });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.has('vary')).toBe(false);
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'POST' };
    expect((await app.request('/mcp', { method: 'OPTIONS', headers })).status).toBe(204);
    const closed = new Hono();
    closed.use(access({}).hono);
    closed.get('/mcp', (context) => context.text('served'));
    expect((await closed.request('/mcp', { headers: { origin: 'https://app.example' } })).status).toBe(403);
  });

  it.each<[string, object]>([
    ['origins is neither', { origins: 'https://app.example' }],
    ['not an origin', { origins: ['https://app.example/'] }],
    ['not an origin', { origins: ['app.example'] }],
    ['hosts is neither', { hosts: [] }],
    ['not a host name', { hosts: ['http://mcp.example'] }],
  ])('throws a TypeError for options whose %s', (message, options) => {
    expect(() => access(options as BrowserAccessOptions)).toThrow(message);
  });
});
