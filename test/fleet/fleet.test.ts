import { randomBytes } from 'node:crypto';
import { type Sandbox, type SandboxOptions, startSandbox } from '@credence/sandbox';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import { describeWithRedis } from '../support/describe-with-redis.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { type Copy, startCopies } from './fleet.ts';

const COPIES = 8;
const LIFETIME_SECONDS = 2;
const SERVER = 'documents';
const AWAY = 'The token store does not answer; this process goes on by itself.';
const BACK = 'The token store answers again.';

describeWithRedis('a fleet of eight processes on one Redis', () => {
  const encryptionKey = randomBytes(32).toString('base64');
  let copies: Copy[] = [];
  let world: { redis: RedisServer; sandbox: Sandbox } | undefined;

  beforeAll(async () => {
    copies = await startCopies(COPIES);
  }, 60_000);
  afterEach(async () => {
    await Promise.allSettled(copies.map((copy) => copy.tell('close', null)));
    await world?.sandbox.close();
    await world?.redis.stop();
    world = undefined;
  });
  afterAll(async () => {
    await Promise.all(copies.map((copy) => copy.kill()));
  });

  const tellAll = <T>(telling: (copy: Copy) => Promise<T>) => Promise.all(copies.map(telling));
  const tokens = () => tellAll((copy) => copy.tell('token', { server: SERVER }));
  const work = (forMs: number) => tellAll((copy) => copy.tell('work', { server: SERVER, forMs }));
  const hashesOf = (given: readonly { hash: string }[]) => new Set(given.map(({ hash }) => hash));
  /** How often each copy warned in these words. */
  const warned = async (message: string) =>
    (await tellAll((copy) => copy.tell('events', null))).map(
      (events) => events.filter((event) => event.type === 'warning' && event.message === message).length,
    );
  const each = (count: number) => copies.map(() => count);

  /** A Redis, an enterprise and eight copies of the reporting bot that have not asked for anything yet. */
  const open = async (options: SandboxOptions = {}) => {
    const redis = await startRedisServer();
    const sandbox = await startSandbox({ accessTokenLifetimeSeconds: LIFETIME_SECONDS, ...options });
    world = { redis, sandbox };
    const { env } = sandbox.principals['reporting-bot'];
    await tellAll((copy) => copy.tell('open', { env, redisUrl: redis.url, encryptionKey }));
    return { redis, sandbox, idp: sandbox.idp.requests, as: sandbox.authorizationServers.main.requests };
  };

  it('asks for one token at the start and for one in each lifetime, and no call fails', async () => {
    const { idp, as } = await open();
    expect(hashesOf(await tokens()).size).toBe(1);
    expect({ atIdp: idp.token, atAs: as.token }).toEqual({ atIdp: 2, atAs: 1 });

    const before = idp.token + as.token;
    const forMs = 7_000;
    const done = await work(forMs);
    const lifetimes = forMs / 1_000 / LIFETIME_SECONDS;
    expect((idp.token + as.token - before) / lifetimes).toBeLessThanOrEqual(1.2);
    // each copy reads the metadata once at most: who renews had it before, another comes in only where that one is late
    expect(idp.metadata + as.metadata).toBeLessThanOrEqual(2 * COPIES);
    for (const { failures, tokens: had, calls } of done) {
      expect(failures).toEqual([]);
      expect(had).toBeGreaterThan(20);
      expect(calls).toBeGreaterThan(2);
    }
  }, 30_000);

  it('keeps nothing in Redis that would help who reads it', async () => {
    const { redis, sandbox } = await open({ accessTokenLifetimeSeconds: 300 });
    const secrets = new Set<string>();
    const { privateKey, secretClient, servers, clientId } = sandbox.principals['reporting-bot'];
    for (const secret of [privateKey, secretClient.clientSecret, servers.documents.clientSecret, clientId]) {
      secrets.add(secret);
    }
    await tokens();
    const client = await createClient({ url: redis.url }).connect();
    try {
      const lying: string[] = [];
      for await (const keys of client.scanIterator()) {
        for (const key of keys) {
          const value = (await client.get(key)) ?? '';
          lying.push(key, value, Buffer.from(value, 'base64url').toString('latin1'));
        }
      }
      // the access token and the ID-JAG, and no subject token
      expect(lying.filter((text) => text.startsWith('credence:')).length).toBe(2);
      for (const text of lying) {
        for (const secret of secrets) expect(text).not.toContain(secret);
        expect(text).not.toMatch(/eyJ|assertion|http|issuer|scope|documents/u);
      }
    } finally {
      client.destroy();
    }
  }, 30_000);

  it('takes over from a copy that dies while it gets the token for all', async () => {
    const { idp, as } = await open({ latencyMs: 400, accessTokenLifetimeSeconds: 300 });
    const [holder, ...others] = copies;
    if (!holder) throw new Error('no copies');
    const dying = expect(holder.tell('token', { server: SERVER })).rejects.toThrow('the process ended');
    while (idp.token === 0) await pause(5);
    const waiting = Promise.all(others.map((copy) => copy.tell('token', { server: SERVER })));
    const startedMs = performance.now();
    await pause(100);
    await holder.kill();
    await dying;
    try {
      expect(hashesOf(await waiting).size).toBe(1);
      const tookMs = performance.now() - startedMs;
      // the lease's five seconds, and one chain at 400 ms an answer
      expect(tookMs).toBeGreaterThan(3_000);
      expect(tookMs).toBeLessThan(12_000);
      expect(as.token).toBe(1);
      expect(idp.token).toBeLessThanOrEqual(4);
    } finally {
      copies = [...others, ...(await startCopies(1))];
    }
  }, 30_000);

  it('goes on, each copy by itself, when Redis is killed under it, says so once, and shares again when it is back', async () => {
    const { redis, as } = await open();
    expect(hashesOf(await tokens()).size).toBe(1);
    const working = work(8_000);
    await pause(1_500);
    await redis.kill();
    await pause(2_500);
    expect(await warned(AWAY)).toEqual(each(1));
    await redis.restart();
    for (const { failures } of await working) expect(failures).toEqual([]);
    expect(await warned(AWAY)).toEqual(each(1));
    expect(await warned(BACK)).toEqual(each(1));

    const before = as.token;
    for (const { failures } of await work(4_000)) expect(failures).toEqual([]);
    // two or three ends of a token in four seconds, and one copy that renews for all
    expect(as.token - before).toBeLessThanOrEqual(4);
  }, 30_000);

  it('asks once for a refusal that all of them meet', async () => {
    const { idp, sandbox } = await open();
    sandbox.policy.pauseServer(SERVER);
    const outcomes = await Promise.allSettled(copies.map((copy) => copy.tell('token', { server: SERVER })));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'access_denied' } });
    }
    expect(idp.token).toBe(2);
  }, 30_000);
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
