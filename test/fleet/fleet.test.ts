import { randomBytes } from 'node:crypto';
import { type Sandbox, type SandboxOptions, startSandbox } from '@credence/sandbox';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import { describeWithRedis } from '../support/describe-with-redis.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { type BotProcess, startProcesses } from './fleet.ts';

const PROCESSES = 8;
const LIFETIME_SECONDS = 2;
const SERVER = 'documents';
const STORE_DOWN = 'The token store does not answer; this process continues without it.';
const STORE_UP = 'The token store answers again.';

describeWithRedis('a fleet of eight processes on one Redis', () => {
  const encryptionKey = randomBytes(32).toString('base64');
  let processes: BotProcess[] = [];
  let world: { redis: RedisServer; sandbox: Sandbox } | undefined;

  beforeAll(async () => {
    processes = await startProcesses(PROCESSES);
  }, 60_000);
  afterEach(async () => {
    await Promise.allSettled(processes.map((process) => process.run('close', null)));
    await world?.sandbox.close();
    await world?.redis.stop();
    world = undefined;
  });
  afterAll(async () => {
    await Promise.all(processes.map((process) => process.kill()));
  });

  const onAll = <T>(work: (process: BotProcess) => Promise<T>) => Promise.all(processes.map(work));
  const tokens = () => onAll((process) => process.run('token', { server: SERVER }));
  const work = (forMs: number) => onAll((process) => process.run('work', { server: SERVER, forMs }));
  const hashesOf = (results: readonly { hash: string }[]) => new Set(results.map(({ hash }) => hash));
  /** The number of warnings with this message, for each process. */
  const warningCounts = async (message: string) =>
    (await onAll((process) => process.run('events', null))).map(
      (events) => events.filter((event) => event.type === 'warning' && event.message === message).length,
    );
  const each = (count: number) => processes.map(() => count);

  /** Starts a Redis, a sandbox and eight processes of the reporting bot. No process has requested a token yet. */
  const open = async (options: SandboxOptions = {}) => {
    const redis = await startRedisServer();
    const sandbox = await startSandbox({ accessTokenLifetimeSeconds: LIFETIME_SECONDS, ...options });
    world = { redis, sandbox };
    const { env } = sandbox.principals['reporting-bot'];
    await onAll((process) => process.run('open', { env, redisUrl: redis.url, encryptionKey }));
    return { redis, sandbox, idp: sandbox.idp.requests, as: sandbox.authorizationServers.main.requests };
  };

  it('requests one token at the start and one in each lifetime, and no call fails', async () => {
    const { idp, as } = await open();
    expect(hashesOf(await tokens()).size).toBe(1);
    expect({ atIdp: idp.token, atAs: as.token }).toEqual({ atIdp: 2, atAs: 1 });

    const before = idp.token + as.token;
    const forMs = 5_000;
    const done = await work(forMs);
    const lifetimes = forMs / 1_000 / LIFETIME_SECONDS;
    expect((idp.token + as.token - before) / lifetimes).toBeLessThanOrEqual(1.2);
    // Each process fetches the metadata of both servers at most once. A process needs the metadata only if it renews the token.
    expect(idp.metadata + as.metadata).toBeLessThanOrEqual(2 * PROCESSES);
    for (const { failures, tokens: tokenCount, calls } of done) {
      expect(failures).toEqual([]);
      expect(tokenCount).toBeGreaterThan(20);
      expect(calls).toBeGreaterThan(2);
    }
  }, 30_000);

  it('stores no secret, token or configuration in Redis in readable form', async () => {
    const { redis, sandbox } = await open({ accessTokenLifetimeSeconds: 300 });
    const secrets = new Set<string>();
    const { privateKey, secretClient, servers, clientId } = sandbox.principals['reporting-bot'];
    for (const secret of [privateKey, secretClient.clientSecret, servers.documents.clientSecret, clientId]) {
      secrets.add(secret);
    }
    await tokens();
    const client = await createClient({ url: redis.url }).connect();
    try {
      const stored: string[] = [];
      for await (const keys of client.scanIterator()) {
        for (const key of keys) {
          const value = (await client.get(key)) ?? '';
          stored.push(key, value, Buffer.from(value, 'base64url').toString('latin1'));
        }
      }
      // two keys: one for the access token and one for the ID-JAG, none for the subject token
      expect(stored.filter((text) => text.startsWith('credence:')).length).toBe(2);
      for (const text of stored) {
        for (const secret of secrets) expect(text).not.toContain(secret);
        expect(text).not.toMatch(/eyJ|assertion|http|issuer|scope|documents/u);
      }
    } finally {
      client.destroy();
    }
  }, 30_000);

  it('gets a token by another process if the process that holds the lease is killed', async () => {
    const { idp, as } = await open({ latencyMs: 400, accessTokenLifetimeSeconds: 300 });
    const [holder, ...others] = processes;
    if (!holder) throw new Error('no processes');
    const killed = expect(holder.run('token', { server: SERVER })).rejects.toThrow('the process ended');
    while (idp.token === 0) await pause(5);
    const waiting = Promise.all(others.map((process) => process.run('token', { server: SERVER })));
    const startedMs = performance.now();
    await pause(100);
    await holder.kill();
    await killed;
    try {
      expect(hashesOf(await waiting).size).toBe(1);
      const tookMs = performance.now() - startedMs;
      // the five seconds of the lease, and then a few requests with 400 ms latency each
      expect(tookMs).toBeGreaterThan(3_000);
      expect(tookMs).toBeLessThan(12_000);
      expect(as.token).toBe(1);
      expect(idp.token).toBeLessThanOrEqual(4);
    } finally {
      processes = [...others, ...(await startProcesses(1))];
    }
  }, 30_000);

  it('continues without Redis when it is killed, warns once in each process, and shares tokens again after its restart', async () => {
    const { redis, as } = await open();
    expect(hashesOf(await tokens()).size).toBe(1);
    const working = work(8_000);
    await pause(1_500);
    await redis.kill();
    await pause(2_500);
    expect(await warningCounts(STORE_DOWN)).toEqual(each(1));
    await redis.restart();
    for (const { failures } of await working) expect(failures).toEqual([]);
    expect(await warningCounts(STORE_DOWN)).toEqual(each(1));

    const before = as.token;
    for (const { failures } of await work(4_000)) expect(failures).toEqual([]);
    // two or three token lifetimes in four seconds, and one process renews for all
    expect(as.token - before).toBeLessThanOrEqual(4);

    // A process in which a write failed, and which has only read since, reports the recovery when the failure is ten seconds old.
    for (let round = 0; round < 6 && (await warningCounts(STORE_UP)).includes(0); round += 1) await work(2_000);
    expect(await warningCounts(STORE_UP)).toEqual(each(1));
  }, 60_000);

  it('sends one token exchange for all processes if the IdP refuses it', async () => {
    const { idp, sandbox } = await open();
    sandbox.policy.pauseServer(SERVER);
    const outcomes = await Promise.allSettled(processes.map((process) => process.run('token', { server: SERVER })));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'access_denied' } });
    }
    expect(idp.token).toBe(2);
  }, 30_000);
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
