import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { createClient, createClientPool, createCluster, createSentinel, RESP_TYPES } from 'redis';
import { describeWithRedis } from '../../../test/support/describe-with-redis.ts';
import { type RedisServer, startRedisServer } from '../../../test/support/redis-server.ts';
import type { RedisStoreWarning } from './options.ts';
import { type RedisStore, redisStore } from './redis-store.ts';

const encryptionKey = randomBytes(32);
const MINUTE_MS = 60_000;

describeWithRedis('redisStore', () => {
  let server: RedisServer;
  const closing: (() => unknown)[] = [];
  const closeAfterTest = <T>(value: T, close: (value: T) => unknown): T => {
    closing.push(() => close(value));
    return value;
  };
  const storeAt = (url: string, options: { prefix?: string; onWarning?: (warning: RedisStoreWarning) => void } = {}) =>
    closeAfterTest(redisStore({ url, encryptionKey, ...options }), (store) => store.close());
  /** The client has an `error` listener: without one, the client's error event would fail the test when Redis stops first. */
  const clientAt = async (url: string) => {
    const client = createClient({ url }).on('error', () => undefined);
    return closeAfterTest(await client.connect(), (one) => one.destroy());
  };

  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });
  afterAll(async () => {
    await server.stop();
  });

  /** Checks values and leases through two stores on one Redis; each run uses a new key. */
  const expectSharedStore = async (store: RedisStore, other: RedisStore) => {
    const key = randomBytes(8).toString('hex');
    expect(await store.get(key)).toBeUndefined();
    await store.set(key, 'first', MINUTE_MS);
    expect(await other.get(key)).toBe('first');
    await other.set(key, 'second', MINUTE_MS);
    await store.delete(key, 'first');
    expect(await store.get(key)).toBe('second');
    await store.delete(key, 'second');
    expect(await other.get(key)).toBeUndefined();
    const lease = await store.lease(key, MINUTE_MS);
    expect(lease).toBeDefined();
    expect(await other.lease(key, MINUTE_MS)).toBeUndefined();
    expect(await lease?.extend(MINUTE_MS)).toBe(true);
    await lease?.release();
    const next = await other.lease(key, MINUTE_MS);
    expect(next).toBeDefined();
    expect(await lease?.extend(MINUTE_MS)).toBe(false);
    await lease?.release();
    expect(await store.lease(key, MINUTE_MS)).toBeUndefined();
    await next?.release();
  };

  it('shares values and leases over a URL', async () => {
    await expectSharedStore(storeAt(server.url), storeAt(server.url));
  });

  it('accepts a client, a client that returns bytes, a client of RESP 2 and a pool', async () => {
    const client = await clientAt(server.url);
    const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    const resp2 = closeAfterTest(await createClient({ url: server.url, RESP: 2 }).connect(), (one) => one.destroy());
    const pool = closeAfterTest(createClientPool({ url: server.url }), (one) => one.destroy());
    await pool.connect();
    const stores = [
      redisStore({ client, encryptionKey }),
      redisStore({ client: bytes, encryptionKey }),
      redisStore({ client: resp2, encryptionKey }),
      redisStore({ client: pool, encryptionKey }),
    ];
    for (const store of stores) for (const other of stores) if (store !== other) await expectSharedStore(store, other);
    for (const store of stores) await store.close();
    expect(await client.ping()).toBe('PONG');
    await expect(stores[0]?.get('x')).rejects.toMatchObject({ code: 'closed' });
  });

  it('accepts a sentinel, and rejects while it is not connected', async () => {
    const client = createSentinel({ name: 'primary', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] });
    await expect(redisStore({ client, encryptionKey }).get('k')).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('works on a cluster', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'credence-cluster-'));
    const node = await startRedisServer(['--cluster-enabled', 'yes', '--dir', folder]);
    try {
      const admin = await clientAt(node.url);
      await admin.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
      while (!(await admin.sendCommand<string>(['CLUSTER', 'INFO'])).includes('cluster_state:ok')) await pause(20);
      const cluster = closeAfterTest(createCluster({ rootNodes: [{ url: node.url }] }), (one) => one.destroy());
      await cluster.connect();
      const store = redisStore({ client: cluster, encryptionKey });
      for (let run = 0; run < 5; run += 1) await expectSharedStore(store, store);
    } finally {
      for (const close of closing.splice(0).toReversed()) await close();
      await node.stop();
      await rm(folder, { recursive: true });
    }
  });

  it('keeps a value and a lease for the given time', async () => {
    const store = storeAt(server.url, { prefix: 'ttl:' });
    await store.set('short', 'value', 0.4);
    await store.set('long', 'value', 90_000.5);
    const lease = await store.lease('long', 5_000);
    const client = await clientAt(server.url);
    expect(await client.pTTL('ttl:value:long')).toBeGreaterThan(89_000);
    expect(await client.pTTL('ttl:value:long')).toBeLessThanOrEqual(90_001);
    expect(await client.pTTL('ttl:lease:long')).toBeLessThanOrEqual(5_000);
    await lease?.extend(9_000);
    expect(await client.pTTL('ttl:lease:long')).toBeGreaterThan(8_000);
    await pause(5);
    expect(await store.get('short')).toBeUndefined();
  });

  it('stores no plain text, and returns undefined and warns once for a value that was copied to another Redis key', async () => {
    const warnings: RedisStoreWarning[] = [];
    const store = storeAt(server.url, { prefix: 'moved:', onWarning: (warning) => warnings.push(warning) });
    await store.set('mine', 'a-secret-token', MINUTE_MS);
    const client = await clientAt(server.url);
    const stored = (await client.get('moved:value:mine')) ?? '';
    expect(Buffer.from(stored, 'base64url').toString('latin1') + stored).not.toContain('secret');
    await client.set('moved:value:yours', stored);
    await client.set('moved:value:junk', '{"value":"planted"}');
    expect(await store.get('yours')).toBeUndefined();
    expect(await store.get('junk')).toBeUndefined();
    await store.delete('yours', 'a-secret-token');
    expect(await client.exists('moved:value:yours')).toBe(1);
    expect(warnings.map(({ code }) => code)).toEqual(['CREDENCE_REDIS_DAMAGED']);
  });

  it('returns undefined for a value that was encrypted with another key, and emits one process warning', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const otherKeyStore = closeAfterTest(redisStore({ url: server.url, encryptionKey: randomBytes(32) }), (one) =>
      one.close(),
    );
    await storeAt(server.url).set('k', 'value', MINUTE_MS);
    expect(await otherKeyStore.get('k')).toBeUndefined();
    expect(await otherKeyStore.get('k')).toBeUndefined();
    expect(warned).toHaveBeenCalledTimes(1);
    const [message, details] = warned.mock.calls[0] ?? [];
    expect(message).toContain('a key that this process does not have');
    expect(details).toMatchObject({ code: 'CREDENCE_REDIS_UNKNOWN_KEY' });
  });

  it('reads all values during a rotation of the encryption key', async () => {
    const next = randomBytes(32);
    const storeWith = (key: RedisKey) =>
      closeAfterTest(redisStore({ url: server.url, encryptionKey: key, prefix: 'rotation:' }), (one) => one.close());
    const beforeSwitch = storeWith({ current: encryptionKey, previous: [next] });
    const afterSwitch = storeWith({ current: next, previous: [encryptionKey] });
    await beforeSwitch.set('old', 'encrypted with the old key', MINUTE_MS);
    await afterSwitch.set('new', 'encrypted with the new key', MINUTE_MS);
    expect(await afterSwitch.get('old')).toBe('encrypted with the old key');
    expect(await beforeSwitch.get('new')).toBe('encrypted with the new key');
    expect(await storeWith(next).get('new')).toBe('encrypted with the new key');
    await afterSwitch.delete('old', 'encrypted with the old key');
    expect(await beforeSwitch.get('old')).toBeUndefined();
  });

  it('rejects at once while Redis is down, and works again when Redis is back', async () => {
    const own = await startRedisServer();
    try {
      const store = storeAt(own.url);
      await store.set('k', 'value', MINUTE_MS);
      await own.kill();
      const startedMs = performance.now();
      for (let call = 0; call < 200; call += 1) {
        await expect(store.get('k')).rejects.toMatchObject({ code: 'unreachable', leg: 'configure', retryable: true });
      }
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      await own.restart();
      await eventually(() => store.set('k', 'again', MINUTE_MS));
      expect(await store.get('k')).toBe('again');
    } finally {
      await own.stop();
    }
  });

  it('rejects unanswered commands when Redis is killed', async () => {
    const own = await startRedisServer();
    try {
      const store = storeAt(own.url);
      await store.get('k');
      own.pause();
      const inFlight = Promise.allSettled(Array.from({ length: 50 }, (_value, at) => store.get(`k${at}`)));
      await own.kill();
      for (const outcome of await inFlight) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unreachable' } });
      }
    } finally {
      await own.stop();
    }
  });

  it('drops a connection on which Redis no longer answers', async () => {
    const own = await startRedisServer();
    try {
      const store = storeAt(own.url);
      await store.set('k', 'value', MINUTE_MS);
      own.pause();
      await expect(store.get('k')).rejects.toMatchObject({ code: 'unreachable' });
      own.resume();
      expect(await eventually(() => store.get('k'))).toBe('value');
    } finally {
      await own.stop();
    }
  });

  it('does not queue commands on a given client that lost Redis', async () => {
    const own = await startRedisServer();
    try {
      const client = await clientAt(own.url);
      const store = redisStore({ client, encryptionKey });
      await own.kill();
      await until(() => !client.isReady);
      await expect(store.set('k', 'stale', MINUTE_MS)).rejects.toMatchObject({ code: 'unreachable' });
      await own.restart();
      await until(() => client.isReady);
      expect(await store.get('k')).toBeUndefined();
      await store.set('k', 'fresh', MINUTE_MS);
      expect(await store.get('k')).toBe('fresh');
    } finally {
      await own.stop();
    }
  });

  it('names the error code of Redis in the error, and contains no password', async () => {
    const own = await startRedisServer(['--requirepass', 'r3d1s-p4ss']);
    try {
      const anonymous = storeAt(own.url);
      await expect(anonymous.get('k')).rejects.toMatchObject({ message: 'Redis refuses commands: NOAUTH.' });
      const wrong = storeAt(`redis://:wr0ng-p4ss@127.0.0.1:${own.port}`);
      const error: unknown = await wrong.get('k').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ message: 'Redis refuses commands: WRONGPASS.', contact: 'you' });
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('wr0ng-p4ss');
      const known = storeAt(`redis://:r3d1s-p4ss@127.0.0.1:${own.port}`);
      await known.set('k', 'value', MINUTE_MS);
      expect(inspect(known, { depth: 9, showHidden: true })).not.toContain('r3d1s-p4ss');
    } finally {
      await own.stop();
    }
  });

  it('works for a Redis user with only the documented permissions', async () => {
    const own = await startRedisServer();
    try {
      const admin = await clientAt(own.url);
      const allowed = ['~credence:*', '+get', '+set', '+eval', '+del', '+pexpire'];
      await admin.sendCommand(['ACL', 'SETUSER', 'bot', 'reset', 'on', '>p4ssw0rd', ...allowed]);
      const url = `redis://bot:p4ssw0rd@127.0.0.1:${own.port}`;
      await expectSharedStore(storeAt(url), storeAt(url));
      await expect(storeAt(url, { prefix: 'other:' }).get('k')).rejects.toMatchObject({
        message: 'Redis refuses commands: NOPERM.',
      });
    } finally {
      await own.stop();
    }
  });

  it('rejects after it was closed, and can be closed twice', async () => {
    const store = storeAt(server.url);
    await store.get('k');
    await store.close();
    await store.close();
    await expect(store.get('k')).rejects.toMatchObject({ code: 'closed', leg: 'configure' });
  });
});

type RedisKey = Parameters<typeof redisStore>[0]['encryptionKey'];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(5);
}

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await pause(20);
    }
  }
}
