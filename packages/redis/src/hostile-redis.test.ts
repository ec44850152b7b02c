import { randomBytes } from 'node:crypto';
import { clientSecret, type CredenceEvent, ServicePrincipal, type WarningEvent } from '@credence/core';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import { describeWithRedis } from '../../../test/support/describe-with-redis.ts';
import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.ts';
import { redisStore } from './redis-store.ts';

const encryptionKey = randomBytes(32);
const MINUTE_MS = 60_000;

describeWithRedis('a Redis that somebody else writes to, or that refuses', () => {
  let server: RedisServer;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });
  afterAll(async () => {
    await server.stop();
  });

  const adminAt = async (url: string) => {
    const client = await createClient({ url })
      .on('error', () => undefined)
      .connect();
    closing.push(() => client.destroy());
    return client;
  };
  const storeAt = (url: string, { prefix, key = encryptionKey }: { prefix: string; key?: Uint8Array }) => {
    const warnings: string[] = [];
    const store = redisStore({ url, encryptionKey: key, prefix, onWarning: ({ code }) => warnings.push(code) });
    closing.push(() => store.close());
    return { store, warnings };
  };
  /** A bot whose token requests are counted. Its tokens live for a minute. */
  const botWith = (store: ReturnType<typeof redisStore>, totalMs = 4_000) => {
    const events: CredenceEvent[] = [];
    let requests = 0;
    const bot = new ServicePrincipal({
      servers: {
        mcp: {
          url: 'https://mcp.example/mcp',
          resource: 'https://mcp.example/mcp',
          issuer: 'https://as.example',
          tokenEndpoint: 'https://as.example/token',
          credential: clientSecret({ clientId: 'bot', secret: 's3cret' }),
          flow: 'client-credentials',
        },
      },
      fetch: async () => {
        requests += 1;
        return Response.json({ access_token: `token-${requests}`, token_type: 'Bearer', expires_in: 60 });
      },
      store,
      timeout: { totalMs },
      onEvent: (event) => events.push(event),
    });
    closing.push(() => bot.close());
    const warnings = () => events.filter((event): event is WarningEvent => event.type === 'warning');
    return { bot, warnings, requests: () => requests };
  };

  it.each([
    ['a list', ['RPUSH', 'KEY', 'x']],
    ['a hash', ['HSET', 'KEY', 'x', 'y']],
    ['a number', ['SET', 'KEY', '7']],
    ['an empty text', ['SET', 'KEY', '']],
    ['JSON', ['SET', 'KEY', '{"value":"planted"}']],
    ['ten megabytes', ['SET', 'KEY', 'x'.repeat(1e7)]],
    ['ten megabytes that look encrypted', ['SET', 'KEY', `AQ${'x'.repeat(1e7)}`]],
  ])('counts %s in the place of a value as absent, and warns once', async (what, command) => {
    const prefix = `type-${what.replaceAll(' ', '-')}:`;
    const { store, warnings } = storeAt(server.url, { prefix });
    const admin = await adminAt(server.url);
    await admin.sendCommand(command.map((part) => part.replace('KEY', `${prefix}value:k`)));
    expect(await store.get('k')).toBeUndefined();
    await store.delete('k', 'x');
    expect(warnings).toEqual(['CREDENCE_REDIS_DAMAGED']);
    if (what.includes('look encrypted')) return;
    // What is not an encrypted value of another key is replaced.
    await store.set('k', 'value', MINUTE_MS);
    expect(await store.get('k')).toBe('value');
  });

  it.each([
    ['without an expiry', ['SET', 'KEY', 'forged']],
    ['with an expiry in a hundred years', ['SET', 'KEY', 'forged', 'EX', '3155760000']],
    ['of another type', ['RPUSH', 'KEY', 'forged']],
    ['of ten megabytes', ['SET', 'KEY', 'x'.repeat(1e7)]],
  ])('does not let a lease %s stop a bot', async (what, command) => {
    const prefix = `lease-${what.replaceAll(' ', '-')}:`;
    const { store } = storeAt(server.url, { prefix });
    const leases: string[] = [];
    const { bot, warnings, requests } = botWith({
      ...store,
      lease: (key, ttlMs) => {
        leases.push(key);
        return store.lease(key, ttlMs);
      },
    });
    // The first acquisition shows the key of the lease; then its token is refused, and the lease is forged.
    const first = await bot.token('mcp');
    const admin = await adminAt(server.url);
    await admin.sendCommand(command.map((part) => part.replace('KEY', `${prefix}lease:${leases[0]}`)));
    bot.invalidate(first);
    const startedMs = performance.now();
    await bot.token('mcp');
    expect(performance.now() - startedMs).toBeLessThan(3_500);
    expect(warnings()).toMatchObject([{ code: 'store_lease_ignored' }]);
    expect(requests()).toBe(2);
  });

  it('does not overwrite or delete a value of another encryption key, and says so in an event', async () => {
    const prefix = 'foreign:';
    const right = storeAt(server.url, { prefix });
    const wrong = storeAt(server.url, { prefix, key: randomBytes(32) });
    const bots = [botWith(right.store), botWith(wrong.store), botWith(right.store)] as const;
    for (const { bot } of bots) await bot.token('mcp');
    expect(bots.map(({ requests }) => requests())).toEqual([1, 1, 0]);
    expect(bots[1].warnings()).toMatchObject([{ code: 'store_unknown_key', leg: 'configure' }]);
    expect(bots[0].warnings()).toEqual([]);
    expect(wrong.warnings).toEqual(['CREDENCE_REDIS_UNKNOWN_KEY']);
    await right.store.set('k', 'value', MINUTE_MS);
    await wrong.store.delete('k', 'value');
    await wrong.store.set('k', 'other', MINUTE_MS);
    expect(await right.store.get('k')).toBe('value');
  });

  const refusals: readonly [
    string,
    readonly string[],
    (admin: Awaited<ReturnType<typeof adminAt>>) => Promise<unknown>,
  ][] = [
    ['READONLY', [], (admin) => admin.sendCommand(['REPLICAOF', '127.0.0.1', '1'])],
    ['OOM', [], (admin) => admin.sendCommand(['CONFIG', 'SET', 'maxmemory', '1'])],
    ['NOAUTH', [], (admin) => admin.sendCommand(['CONFIG', 'SET', 'requirepass', 'n3w-p4ss'])],
    [
      'CLUSTERDOWN',
      ['--cluster-enabled', 'yes', '--cluster-config-file', `nodes-${process.pid}.conf`, '--dir', '/tmp'],
      async () => undefined,
    ],
  ];

  it.each(refusals)(
    'works without a Redis that answers %s, with one warning that says what to do',
    async (code, options, refuse) => {
      const own = await startRedisServer(options);
      closing.push(() => own.stop());
      await refuse(await adminAt(own.url));
      const { store } = storeAt(own.url, { prefix: 'refused:' });
      const { bot, warnings } = botWith(store);
      for (let round = 0; round < 4; round += 1) {
        await bot.token('mcp', { scopes: [`scope-${round}`] });
      }
      expect(warnings()).toMatchObject([{ code: 'store_unavailable' }]);
      expect(warnings()[0]?.remedy).toContain(code);
      expect(warnings()[0]?.remedy).not.toContain('Look this error code up');
    },
  );

  it('waits at most a second for a Redis that answers slowly', async () => {
    const own = await startRedisServer();
    closing.push(() => own.stop());
    const { store } = storeAt(own.url, { prefix: 'slow:' });
    const { bot, warnings } = botWith(store);
    await store.get('warm up');
    const admin = await adminAt(own.url);
    await admin.sendCommand(['CLIENT', 'PAUSE', '60000', 'ALL']);
    const startedMs = performance.now();
    await bot.token('mcp');
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    expect(warnings()).toMatchObject([{ code: 'store_unavailable' }]);
  });
});
