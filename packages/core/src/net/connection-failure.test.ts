import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { defaultFetch, environmentProxyFetch, type FetchLike } from '@credence/protocol';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LOCALHOST_CERTIFICATE } from '../../../../test/support/certificates.ts';
import { refusalOf, testRuntime } from '../../test-support/runtime.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { connectionFailure, neverConnected } from './connection-failure.ts';
import { type About, send } from './gate.ts';

const ABOUT: About = {
  leg: 'redeem',
  operation: 'jwt-bearer',
  contact: 'server-owner',
  server: 'linear',
  option: 'servers.linear.tokenEndpoint',
};
const saved = { ...process.env };
const servers: Server[] = [];

beforeEach(() => {
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'])
    delete process.env[name];
});
afterEach(() => {
  process.env = { ...saved };
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const tls = (options = {}) =>
  createHttpsServer({ ...LOCALHOST_CERTIFICATE, ...options }, (_request, response) => response.end('{}'));

/** The error that `fetch` rejects with for a cause with `code`. */
const failed = (code: string, members: object = {}) =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code, ...members }) });

function explained(code: string, url = 'https://as.example/token') {
  const option = 'servers.linear.issuer';
  return connectionFailure(failed(code), { url, option, contact: 'server-owner', fetch: defaultFetch });
}

describe('a request to a peer whose TLS is wrong', () => {
  it.each<[string, () => Server, string, object, string]>([
    [
      'a certificate that signed itself',
      () => tls(),
      'https://127.0.0.1',
      { contact: 'you', causeCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      'NODE_EXTRA_CA_CERTS',
    ],
    [
      'plain http on the port of an https URL',
      () => createHttpServer(),
      'https://127.0.0.1',
      { contact: 'you', causeCode: 'ERR_SSL_WRONG_VERSION_NUMBER' },
      'scheme and the port of servers.linear.tokenEndpoint',
    ],
    [
      'only TLS 1.1',
      () => tls({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
      'https://127.0.0.1',
      { contact: 'server-owner' },
      'TLS 1.2',
    ],
    [
      'another protocol than HTTP',
      () => createServer((socket) => void socket.write('SSH-2.0-OpenSSH\r\n')),
      'http://127.0.0.1',
      { contact: 'you', causeCode: 'HPE_INVALID_CONSTANT' },
      'scheme and the port',
    ],
  ])('because of %s is not repeated, and names the cause', async (_what, server, origin, members, remedy) => {
    let connections = 0;
    const port = await listening(server().on('connection', () => (connections += 1)));
    const error = await refusalOf(send(testRuntime({ fetch: defaultFetch }), `${origin}:${port}/token`, {}, ABOUT));
    expect(error).toMatchObject({ code: 'unreachable', leg: 'redeem', retryable: false, ...members });
    expect(error.remedy).toContain(remedy);
    expect(connections).toBe(1);
    expect(neverConnected(error)).toBe(!error.causeCode?.startsWith('HPE_'));
  });

  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', 'you', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'you', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'you', 'NODE_EXTRA_CA_CERTS'],
    ['CERT_UNTRUSTED', 'you', 'NODE_EXTRA_CA_CERTS'],
    ['CERT_HAS_EXPIRED', 'server-owner', 'renewed'],
    ['CERT_NOT_YET_VALID', 'you', 'clock'],
    ['CERT_REVOKED', 'server-owner', 'new certificate'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'you', 'servers.linear.issuer'],
    ['HOSTNAME_MISMATCH', 'you', 'as.example'],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'you', 'port'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'you', 'client certificate'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'you', 'client certificate'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'server-owner', 'TLS 1.2'],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'server-owner', 'TLS 1.2'],
    ['ERR_SSL_SOMETHING_NEW', 'server-owner', 'TLS'],
    ['EPROTO', 'server-owner', 'TLS'],
  ])('with the code %s is not repeated, and the contact is %s', (code, contact, remedy) => {
    expect(explained(code)).toMatchObject({ contact, retryable: false, remedy: expect.stringContaining(remedy) });
  });
});

describe('a request that failed on the machine of the bot', () => {
  it.each([
    ['ENOTFOUND', true, 'DNS'],
    ['EAI_AGAIN', true, 'DNS'],
    ['EAI_FAIL', true, 'DNS'],
    ['EAI_NODATA', true, 'DNS'],
    ['ESERVFAIL', true, 'DNS'],
    ['EMFILE', true, 'ulimit -n'],
    ['ENFILE', true, 'ulimit -n'],
    ['ENOBUFS', true, 'connections are open'],
    ['EADDRNOTAVAIL', true, 'addresses'],
    ['ENETUNREACH', true, 'routes'],
    ['EHOSTUNREACH', true, 'routes'],
    ['EPERM', false, 'firewall'],
    ['EACCES', false, 'firewall'],
  ])('with the code %s has the contact you (retryable: %p)', (code, retryable, remedy) => {
    const failure = explained(code);
    expect(failure).toMatchObject({ contact: 'you', retryable, neverConnected: true, code });
    expect(failure.remedy).toContain(remedy);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'])(
    'with the code %s may be repeated, and the contact is the administrator of the peer',
    (code) => {
      expect(explained(code)).toMatchObject({ contact: 'server-owner', retryable: true });
    },
  );

  it('to a port that fetch does not connect to has a remedy that says so', async () => {
    const error = await refusalOf(send(testRuntime({ fetch: defaultFetch }), 'http://127.0.0.1:1/token', {}, ABOUT));
    expect(error).toMatchObject({ code: 'unreachable', contact: 'you' });
    expect(error.remedy).toContain('another port');
  });
});

describe('a connection was never made', () => {
  it.each<[string, unknown, boolean]>([
    ['after ECONNREFUSED', failed('ECONNREFUSED'), true],
    ['after a failed look-up', failed('EAI_AGAIN'), true],
    ['after a time-out of the connection', failed('ETIMEDOUT', { syscall: 'connect' }), true],
    ['after a time-out of undici', failed('UND_ERR_CONNECT_TIMEOUT'), true],
    [
      'after an end within the TLS handshake',
      failed('ECONNRESET', {
        message: 'Client network socket disconnected before secure TLS connection was established',
      }),
      true,
    ],
    ['after a time-out of a read', failed('ETIMEDOUT', { syscall: 'read' }), false],
    ['after a reset', failed('ECONNRESET'), false],
    ['after the peer closed', failed('UND_ERR_SOCKET'), false],
    ['after an error without a code', new TypeError('fetch failed'), false],
    ['after a thrown string', 'ECONNREFUSED', false],
    [
      'after a CredenceError for ECONNREFUSED',
      new CredenceError({
        code: 'unreachable',
        leg: 'call',
        message: '',
        remedy: '',
        contact: 'you',
        cause: failed('ECONNREFUSED'),
      }),
      true,
    ],
  ])('%s: %#', (_when, error, expected) => {
    expect(neverConnected(error)).toBe(expected);
  });
});

describe('an error of fetch whose cause has no message and no code', () => {
  const explain = (cause: Error, fetch: FetchLike) =>
    connectionFailure(new TypeError('fetch failed', { cause }), {
      url: 'https://as.example/token',
      option: 'servers.linear.tokenEndpoint',
      contact: 'server-owner',
      fetch,
    });

  it.each<[string, Error, FetchLike]>([
    ['it is about several addresses', new AggregateError([new Error('')], ''), defaultFetch],
    [
      'it is about several addresses, for the fetch that reads the variables',
      new AggregateError([], ''),
      environmentProxyFetch,
    ],
    ['the fetch is of the caller', new Error(''), async () => new Response()],
    [
      'the fetch is of the caller, also about several addresses',
      new AggregateError([], ''),
      async () => new Response(),
    ],
  ])('is not explained by a proxy if %s', (_when, cause, fetch) => {
    const failure = explain(cause, fetch);
    expect(failure).toMatchObject({ reason: undefined, retryable: true, neverConnected: false });
    expect(failure.remedy).not.toContain('user name and password');
  });

  it('is explained by the proxy through which the request goes', () => {
    process.env['HTTPS_PROXY'] = 'http://127.0.0.1:9';
    expect(explain(new Error(''), environmentProxyFetch)).toMatchObject({
      reason: 'the proxy answered 407',
      contact: 'you',
    });
  });

  it('is explained by the first error for one of several addresses', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' });
    expect(explain(new AggregateError([refused], ''), defaultFetch)).toMatchObject({
      code: 'ECONNREFUSED',
      neverConnected: true,
    });
  });
});

describe('a proxy of the environment', () => {
  it('that fetch does not read is named if the peer cannot be reached', () => {
    process.env['HTTPS_PROXY'] = 'http://user:hunter2@proxy.acme.example:3128';
    for (const code of ['ENOTFOUND', 'ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'ENETUNREACH']) {
      const { remedy, contact } = explained(code);
      expect(remedy).toContain("HTTPS_PROXY is set, but this fetch does not read it: set proxy to 'environment'");
      expect(remedy).not.toContain('hunter2');
      expect(contact).toBe('you');
    }
    expect(explained('CERT_HAS_EXPIRED').remedy).not.toContain('HTTPS_PROXY');
    process.env['NO_PROXY'] = 'as.example';
    expect(explained('ENOTFOUND').remedy).not.toContain('HTTPS_PROXY');
  });

  it.each([
    [407, false, 'user name and password'],
    [403, false, 'NO_PROXY'],
    [502, true, 'NO_PROXY'],
  ])('that answers %d is named, and the contact is you', async (status, retryable, remedy) => {
    const proxy = createHttpServer().on('connect', (_request, socket) => {
      socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    });
    process.env['HTTPS_PROXY'] = `http://127.0.0.1:${await listening(proxy)}`;
    const runtime = testRuntime({ fetch: environmentProxyFetch });
    const error = await refusalOf(send(runtime, 'https://as.example/token', {}, ABOUT));
    expect(error).toMatchObject({ code: 'unreachable', contact: 'you', retryable });
    expect(error.message).toContain(`the proxy answered ${status}`);
    expect(error.remedy).toContain(remedy);
    expect(error.remedy).toContain('HTTPS_PROXY');
  });

  it('that is down is named', async () => {
    const port = await listening(createServer());
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
    process.env['HTTPS_PROXY'] = `http://127.0.0.1:${port}`;
    const runtime = testRuntime({ fetch: environmentProxyFetch });
    const error = await refusalOf(send(runtime, 'https://as.example/token', {}, ABOUT));
    expect(error).toMatchObject({ code: 'unreachable', contact: 'you', causeCode: 'ECONNREFUSED' });
    expect(error.remedy).toMatch(/^Check the proxy that HTTPS_PROXY names/u);
  });
});
