import { describe, expect, it } from '@jest/globals';
import { HOSTILE_HOSTS, PUBLIC_HOSTS } from '../../../../test/support/hostile-addresses.ts';
import { judgeConfiguredUrl, judgeNamedUrl, type NetworkTrust } from './url-policy.ts';

const PUBLIC = new URL('https://idp.example');
const LOOPBACK = new URL('http://127.0.0.1:3000');
const PRIVATE = new URL('https://10.1.2.3');

describe('a configured URL', () => {
  it.each([
    'https://idp.example/jwks',
    'https://10.0.0.5/jwks',
    'http://127.0.0.1:3000/jwks',
    'http://localhost.:1/',
    'http://[::1]:1/',
    'http://a.localhost/',
  ])('%s may be requested', (url) => {
    expect(judgeConfiguredUrl(url)).toEqual({ url: new URL(url) });
  });

  it.each([
    ['http://idp.example/jwks', 'plain-http'],
    ['http://10.1.2.3/', 'plain-http'],
    ['http://localhost.evil.example/', 'plain-http'],
    ['http://127.0.0.1.evil.example/', 'plain-http'],
    ['https://user:secret@idp.example/', 'user-info'],
    ['https://:secret@idp.example/', 'user-info'],
    ['https://user:secret @idp.example/', 'not-a-url'],
    ['https://idp.example/\n', 'not-a-url'],
    ['https://ídp.example/', 'not-a-url'],
    ['file:///jwks', 'not-a-url'],
    ['jwks', 'not-a-url'],
    ['', 'not-a-url'],
  ])('%j is refused: %s', (url, fault) => {
    expect(judgeConfiguredUrl(url)).toEqual({ fault });
  });

  it('with plain http may be requested from any host if allowHttp is set', () => {
    expect(judgeConfiguredUrl('http://idp.corp/', { allowHttp: true }).fault).toBeUndefined();
  });
});

describe('a URL that a peer on the public network named', () => {
  it.each(HOSTILE_HOSTS)('is refused for the host %s', (host) => {
    expect(judgeNamedUrl(`https://${host}/token`, PUBLIC)).toMatchObject({ fault: 'address' });
    expect(judgeNamedUrl(`https://${host}:8443/token`, PUBLIC)).toMatchObject({ fault: 'address' });
    expect(judgeNamedUrl(`http://${host}/token`, PUBLIC, { allowHttp: true })).toMatchObject({ fault: 'address' });
    expect(judgeNamedUrl(`https://${host}/token`, PUBLIC, { allowPrivateAddresses: true }).fault).toBeUndefined();
  });

  it.each(PUBLIC_HOSTS)('is allowed for the host %s', (host) => {
    expect(judgeNamedUrl(`https://${host}/token`, PUBLIC).fault).toBeUndefined();
  });

  it.each([
    ['http://as.example/token', 'plain-http'],
    ['https://user@as.example/token', 'user-info'],
    ['javascript:alert(1)', 'not-a-url'],
    ['/token', 'not-a-url'],
    ['https://as.example/\r\nINFO forged', 'not-a-url'],
  ])('%j is refused: %s', (url, fault) => {
    expect(judgeNamedUrl(url, PUBLIC)).toEqual({ fault });
  });
});

describe('a URL that a peer on a loopback or private network named', () => {
  it.each<[string, URL, NetworkTrust]>([
    ['http://127.0.0.1:9/token', LOOPBACK, {}],
    ['http://[::1]:9/token', LOOPBACK, {}],
    ['https://localhost/token', LOOPBACK, {}],
    ['https://as.example/token', LOOPBACK, {}],
    ['https://10.1.2.3/token', PRIVATE, {}],
    ['https://192.168.1.4/token', PRIVATE, {}],
    ['https://wiki.internal/token', PRIVATE, {}],
    ['https://169.254.1.1/token', new URL('https://169.254.1.1'), {}],
    ['http://as.example/token', PUBLIC, { allowHttp: true }],
  ])('%s is allowed for the configured URL %s with the options %p', (url, configuredUrl, trust) => {
    expect(judgeNamedUrl(url, configuredUrl, trust).fault).toBeUndefined();
  });

  it.each<[string, URL, string]>([
    ['https://10.0.0.1/token', LOOPBACK, 'private'],
    ['https://169.254.169.254/latest', LOOPBACK, 'link-local'],
    ['https://127.0.0.1/token', PRIVATE, 'loopback'],
    ['https://169.254.169.254/latest', PRIVATE, 'link-local'],
    ['https://metadata.google.internal/', PRIVATE, 'link-local'],
    ['https://0.0.0.0/token', PRIVATE, 'reserved'],
  ])('%s is refused for the configured URL %s: its address is %s', (url, configuredUrl, kind) => {
    expect(judgeNamedUrl(url, configuredUrl)).toEqual({ fault: 'address', kind });
  });

  it.each([
    ['http://10.1.2.3/token', PRIVATE],
    ['http://as.example/token', LOOPBACK],
  ])('%s is refused for the configured URL %s: it is plain http', (url, configuredUrl) => {
    expect(judgeNamedUrl(url, configuredUrl)).toEqual({ fault: 'plain-http' });
  });
});
