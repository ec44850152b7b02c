import { describe, expect, it } from '@jest/globals';
import { refusalOf } from '../../test-support/runtime.ts';
import type { NetworkTrust } from '../runtime/runtime.ts';
import { configuredUrl, isLoopback, peerUrl } from './url-policy.ts';

const CONFIGURED = { what: 'servers.linear.url', leg: 'configure', contact: 'you', server: 'linear' } as const;
const NAMED = { what: 'token_endpoint', leg: 'discover', contact: 'server-owner', server: 'linear' } as const;
const PUBLIC = 'https://mcp.linear.app/mcp';
const LOCAL = 'http://127.0.0.1:4000/mcp';
const INTRANET = 'https://10.1.2.3/mcp';

describe('a URL the user wrote', () => {
  it.each([
    PUBLIC,
    'http://127.0.0.1:1/x',
    'http://localhost:3000',
    'http://[::1]:1/',
    'http://a.localhost/',
    INTRANET,
  ])('may be %s', (url) => {
    expect(configuredUrl(url, CONFIGURED, {}).href).toBe(new URL(url).href);
  });

  it.each([
    ['http://mcp.linear.app/mcp', 'forbidden_url'],
    ['http://10.1.2.3/', 'forbidden_url'],
    ['http://localhost.evil.example/', 'forbidden_url'],
    ['http://127.0.0.1.evil.example/', 'forbidden_url'],
    ['https://user:hunter2@mcp.linear.app/', 'forbidden_url'],
    ['https://:hunter2@mcp.linear.app/', 'forbidden_url'],
    ['https://user:hunter2 @mcp.linear.app/', 'invalid_configuration'],
    ['mcp.linear.app', 'invalid_configuration'],
    ['ftp://mcp.linear.app/', 'invalid_configuration'],
    ['file:///etc/passwd', 'invalid_configuration'],
    ['https://mcp.linear.app/a b', 'invalid_configuration'],
    ['https://mcp.linear.app/\n', 'invalid_configuration'],
    ['', 'invalid_configuration'],
  ])('may not be %p', async (url, code) => {
    const error = await refusalOf(() => configuredUrl(url, CONFIGURED, {}));
    expect(error).toMatchObject({ code, leg: 'configure', contact: 'you', server: 'linear' });
    expect(error.message).toContain('servers.linear.url');
    expect(error.message).not.toContain('hunter2');
  });

  it('may be plain http to any host where that was opted in', () => {
    expect(configuredUrl('http://mcp.internal/mcp', CONFIGURED, { allowHttp: true }).protocol).toBe('http:');
  });
});

describe('a URL a peer named', () => {
  it.each<[string, string, NetworkTrust]>([
    ['https://auth.linear.app/token', PUBLIC, {}],
    ['http://127.0.0.1:9/token', LOCAL, {}],
    ['https://localhost/token', LOCAL, {}],
    ['https://auth.linear.app/token', LOCAL, {}],
    ['https://10.1.2.3/token', INTRANET, {}],
    ['https://10.9.9.9/token', PUBLIC, { allowPrivateAddresses: true }],
    ['https://127.0.0.1/token', PUBLIC, { allowPrivateAddresses: true }],
    ['http://auth.linear.app/token', PUBLIC, { allowHttp: true }],
  ])('%s is taken from %s with %p', (url, anchor, trust) => {
    expect(peerUrl(url, NAMED, trust, new URL(anchor)).href).toBe(url);
  });

  it.each<[string, string, NetworkTrust]>([
    ['http://auth.linear.app/token', PUBLIC, {}],
    ['http://auth.linear.app/token', LOCAL, {}],
    ['https://127.0.0.1/token', PUBLIC, {}],
    ['https://127.9.9.9/token', PUBLIC, {}],
    ['https://2130706433/token', PUBLIC, {}],
    ['https://0x7f.1/token', PUBLIC, {}],
    ['https://localhost/token', PUBLIC, {}],
    ['https://LOCALHOST./token', PUBLIC, {}],
    ['https://x.localhost/token', PUBLIC, {}],
    ['https://[::1]/token', PUBLIC, {}],
    ['https://[::ffff:127.0.0.1]/token', PUBLIC, {}],
    ['https://[::ffff:10.0.0.1]/token', PUBLIC, {}],
    ['https://10.0.0.1/token', PUBLIC, {}],
    ['https://10.0.0.1/token', INTRANET, {}],
    ['https://10.0.0.1/token', LOCAL, {}],
    ['https://172.16.0.1/token', PUBLIC, {}],
    ['https://192.168.1.1/token', PUBLIC, {}],
    ['https://169.254.169.254/latest/meta-data', PUBLIC, {}],
    ['https://100.64.0.1/token', PUBLIC, {}],
    ['https://0.0.0.0/token', PUBLIC, {}],
    ['https://[fd00::1]/token', PUBLIC, {}],
    ['https://[fe80::1]/token', PUBLIC, {}],
    ['https://[::]/token', PUBLIC, {}],
    ['https://[64:ff9b::a00:1]/token', PUBLIC, {}],
    ['https://metadata.google.internal/token', PUBLIC, {}],
    ['https://printer.local/token', PUBLIC, {}],
    ['https://user@auth.linear.app/token', PUBLIC, {}],
    ['http://127.0.0.1/token', PUBLIC, { allowHttp: true }],
  ])('%s is refused from %s with %p', async (url, anchor, trust) => {
    const error = await refusalOf(() => peerUrl(url, NAMED, trust, new URL(anchor)));
    expect(error).toMatchObject({ code: 'forbidden_url', leg: 'discover', contact: 'server-owner', server: 'linear' });
    expect(error.message).toContain('token_endpoint');
  });

  it.each([
    'javascript:alert(1)',
    '/token',
    'https://as.example/\r\nINFO forged',
    'https://as.example/ tail',
    'https://ás.example/',
  ])('%p is no answer', async (url) => {
    const error = await refusalOf(() => peerUrl(url, NAMED, {}, new URL(PUBLIC)));
    expect(error).toMatchObject({ code: 'invalid_response', leg: 'discover' });
    expect(error.message).not.toMatch(/[\r\n]/u);
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.255.255.254', true],
  ['[::1]', true],
  ['localhost', true],
  ['localhost.', true],
  ['a.b.localhost', true],
  ['notlocalhost', false],
  ['128.0.0.1', false],
  ['1.127.0.0', false],
  ['[::2]', false],
])('isLoopback(%p) is %p', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
