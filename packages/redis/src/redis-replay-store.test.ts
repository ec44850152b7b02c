import { randomUUID } from 'node:crypto';
import type { ReplayStore } from '@credence/protocol';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import { describeWithRedis } from '../../../test/support/describe-with-redis.ts';
import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.ts';
import { redisReplayStore } from './redis-replay-store.ts';

const connect = (url: string) =>
  createClient({ url, socket: { reconnectStrategy: false } })
    .on('error', () => undefined)
    .connect();

describeWithRedis('redisReplayStore', () => {
  let server: RedisServer;
  let clients: Awaited<ReturnType<typeof connect>>[];
  let stores: ReplayStore[];

  beforeAll(async () => {
    server = await startRedisServer();
    // Two instances of an authorization server.
    clients = await Promise.all([connect(server.url), connect(server.url)]);
    stores = clients.map((client) => redisReplayStore({ client }));
  });
  afterAll(async () => {
    for (const client of clients) if (client.isOpen) client.destroy();
    await server.stop();
  });

  const inOneMinute = () => new Date(Date.now() + 60_000);

  it('returns true to exactly one of many concurrent reservations of one id, in two instances', async () => {
    const id = randomUUID();
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => stores[at % 2]?.reserve(id, inOneMinute())),
    );
    expect(outcomes.filter((outcome) => outcome === true)).toHaveLength(1);
    await expect(stores[0]?.reserve(randomUUID(), inOneMinute())).resolves.toBe(true);
  });

  it('gives the reservation in Redis a lifetime that ends when the reservation expires', async () => {
    const id = randomUUID();
    await stores[0]?.reserve(id, inOneMinute());
    const ttlMs = await clients[0]?.pTTL(`credence:replay:${id}`);
    expect(ttlMs).toBeGreaterThan(50_000);
    expect(ttlMs).toBeLessThanOrEqual(60_000);
  });

  it('reserves nothing if expiresAt is in the past or is not a valid date', async () => {
    const id = randomUUID();
    await expect(stores[0]?.reserve(id, new Date(Date.now() - 1))).resolves.toBe(false);
    await expect(stores[0]?.reserve(id, new Date(Number.NaN))).rejects.toBeInstanceOf(TypeError);
    await expect(stores[0]?.reserve(id, inOneMinute())).resolves.toBe(true);
  });

  it('does not share reservations between two prefixes', async () => {
    const id = randomUUID();
    const [client] = clients;
    if (client === undefined) throw new Error('no client');
    const other = redisReplayStore({ client, prefix: 'other:' });
    await expect(other.reserve(id, inOneMinute())).resolves.toBe(true);
    await expect(stores[0]?.reserve(id, inOneMinute())).resolves.toBe(true);
    expect(() => redisReplayStore({ client, prefix: ' ' })).toThrow('prefix');
  });

  it('rejects within three seconds while Redis is down', async () => {
    await server.kill();
    const startedMs = Date.now();
    await expect(stores[0]?.reserve(randomUUID(), inOneMinute())).rejects.toMatchObject({ name: 'CredenceError' });
    expect(Date.now() - startedMs).toBeLessThan(3000);
  });
});
