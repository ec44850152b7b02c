import { once } from 'node:events';
import { createServer } from 'node:net';
import { jest } from '@jest/globals';
import { privateKeyJwt, ServicePrincipal } from '@credence/core';
import { fakeIdp } from '@credence/testing';

const PRINCIPALS = { bot: {} };
const SERVERS = { issues: { tools: { list_issues: () => 'Printer' } } };

/** A URL of this machine at which nothing listens any more. */
async function closedUrl() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

test('errors of Node.js are instanceof Error in a test', async () => {
  const error = await fetch(await closedUrl()).catch((reason) => reason);
  expect(error).toBeInstanceOf(TypeError);
  expect(error).toBeInstanceOf(Error);
  expect(error.cause).toBeInstanceOf(Error);
  expect({ message: 'no error' }).not.toBeInstanceOf(Error);
});

test('a failed connection of the global fetch is told from a refusal, and tried again', async () => {
  const idp = fakeIdp({ principals: PRINCIPALS, servers: SERVERS });
  const options = idp.options('bot');
  let failures = 0;
  const bot = new ServicePrincipal({
    ...options,
    fetch: async (input, init) => {
      if (!new Request(input).url.includes('as.example') || failures >= 2) return idp.fetch(input, init);
      failures += 1;
      return fetch(await closedUrl());
    },
  });
  await expect(bot.token('issues')).resolves.toMatchObject({ type: 'Bearer' });
  expect(failures).toBe(2);
  await bot.close();

  const offline = new ServicePrincipal({ ...options, fetch: async () => fetch(await closedUrl()) });
  await expect(offline.token('issues')).rejects.toMatchObject({ code: 'unreachable', causeCode: 'ECONNREFUSED' });
  await offline.close();
});

test('a key in a file that does not exist is refused with its cause', () => {
  expect(() => privateKeyJwt({ clientId: 'bot', key: { file: '/no/such/key.pem' } })).toThrow(/ENOENT/);
});

test('an aborted call rejects with the reason of its signal', async () => {
  const idp = fakeIdp({ principals: PRINCIPALS, servers: SERVERS });
  const bot = new ServicePrincipal(idp.options('bot'));
  idp.next('exchange').delay(new Promise(() => undefined));
  await expect(bot.token('issues', { signal: AbortSignal.timeout(20) })).rejects.toHaveProperty('name', 'TimeoutError');
  await bot.close();
});

test('fake timers make tokens expire', async () => {
  jest.useFakeTimers();
  const idp = fakeIdp({ principals: PRINCIPALS, servers: SERVERS });
  const bot = new ServicePrincipal(idp.options('bot'));
  const first = await bot.token('issues');
  await jest.advanceTimersByTimeAsync(3_600_000);
  expect((await bot.token('issues')).value).not.toBe(first.value);
  await bot.close();
  jest.useRealTimers();
});
