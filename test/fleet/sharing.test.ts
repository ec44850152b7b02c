import { randomBytes } from 'node:crypto';
import { clientSecret, generateDpopKeyPair, ServicePrincipal } from '@credence/core';
import { redisStore, type RedisStoreOptions, type RedisStoreWarning } from '@credence/redis';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import { type Peer, startPeer } from '../support/peer.ts';
import { describeWithRedis } from '../support/describe-with-redis.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';

describeWithRedis('bots with the same credentials on one Redis', () => {
  const encryptionKey = randomBytes(32);
  const closing: (() => Promise<void>)[] = [];
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await startRedisServer();
    closing.push(() => redis.stop());
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  const enterprise = async (): Promise<Sandbox> => {
    const sandbox = await startSandbox();
    closing.push(() => sandbox.close());
    return sandbox;
  };
  const storeOf = (options: Partial<Omit<RedisStoreOptions, 'client' | 'url'>> = {}) => {
    const store = redisStore({ url: redis.url, encryptionKey, ...options });
    closing.push(() => store.close());
    return store;
  };
  const newBot = (sandbox: Sandbox, options?: Parameters<typeof storeOf>[0]) => {
    const bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env, { store: storeOf(options) });
    closing.push(() => bot.close());
    return bot;
  };
  const everythingInRedis = async () => {
    const client = await createClient({ url: redis.url }).connect();
    try {
      const found: Record<string, string> = {};
      for await (const keys of client.scanIterator()) {
        for (const key of keys) found[key] = (await client.get(key)) ?? '';
      }
      return found;
    } finally {
      client.destroy();
    }
  };

  it('share no token if their encryption keys differ, and warn once', async () => {
    const sandbox = await enterprise();
    const warnings: RedisStoreWarning[] = [];
    const onWarning = (warning: RedisStoreWarning) => warnings.push(warning);
    const one = newBot(sandbox);
    const two = newBot(sandbox, { encryptionKey: randomBytes(32), onWarning });
    const first = await one.token('documents');
    const second = await two.token('documents');
    expect(second.hash).not.toBe(first.hash);
    expect(warnings.map(({ code }) => code)).toEqual(['CREDENCE_REDIS_UNKNOWN_KEY']);
  });

  it('share a token during a rotation of the encryption key', async () => {
    const sandbox = await enterprise();
    const next = randomBytes(32);
    const before = await newBot(sandbox, { encryptionKey: { current: encryptionKey, previous: [next] } }).token(
      'issues',
    );
    const rotated = newBot(sandbox, { encryptionKey: { current: next, previous: [encryptionKey] } });
    expect((await rotated.token('issues')).hash).toBe(before.hash);
    expect(sandbox.authorizationServers.main.requests.token).toBe(1);
  });

  it.each([
    ['share no subject token by default', {}, 4],
    ['share the subject token with keepsSubjectTokens', { keepsSubjectTokens: true }, 3],
  ])('%s', async (_name, options, requests) => {
    const sandbox = await enterprise();
    await newBot(sandbox, options).token('documents');
    await newBot(sandbox, options).token('issues');
    // two token exchanges, and one or two client_credentials requests
    expect(sandbox.idp.requests.token).toBe(requests);
    const subjects = Object.keys(await everythingInRedis()).filter((key) => key.endsWith('.subject'));
    expect(subjects).toHaveLength(requests === 3 ? 1 : 0);
  });

  it('share an ID-JAG, so that one bot can renew with the ID-JAG of another', async () => {
    const sandbox = await enterprise();
    await newBot(sandbox).token('documents');
    const two = newBot(sandbox);
    two.invalidate(await two.token('documents'));
    await two.token('documents');
    // the second bot sent no request to the IdP
    expect(sandbox.idp.requests.token).toBe(2);
    expect(sandbox.authorizationServers.main.requests.token).toBe(2);
  });

  it('share a DPoP-bound token only if they have the same key', async () => {
    let issued = 0;
    const peer: Peer = await startPeer({
      'POST /token': () => {
        issued += 1;
        return { body: { access_token: `bound-secret-${issued}`, token_type: 'DPoP', expires_in: 300 } };
      },
    });
    closing.push(() => peer.close());
    const boundTo = (dpop: CryptoKeyPair) => {
      const bot = new ServicePrincipal({
        servers: {
          mcp: {
            url: `${peer.origin}/mcp`,
            resource: `${peer.origin}/mcp`,
            issuer: peer.origin,
            tokenEndpoint: `${peer.origin}/token`,
            credential: clientSecret({ clientId: 'bot', secret: 'the-secret-of-the-bot' }),
            flow: 'client-credentials',
            dpop,
          },
        },
        store: storeOf(),
      });
      closing.push(() => bot.close());
      return bot;
    };
    const mine = await generateDpopKeyPair();
    const first = await boundTo(mine).token('mcp');
    const same = await boundTo(mine).token('mcp');
    const other = await boundTo(await generateDpopKeyPair()).token('mcp');
    expect(first).toMatchObject({ type: 'DPoP', value: 'bound-secret-1' });
    expect({ same: same.value, other: other.value }).toEqual({ same: 'bound-secret-1', other: 'bound-secret-2' });
    const found = await everythingInRedis();
    expect(Object.keys(found)).toHaveLength(2);
    for (const value of Object.values(found)) {
      expect(value + Buffer.from(value, 'base64url').toString('latin1')).not.toContain('secret');
    }
  });
});

type CryptoKeyPair = Awaited<ReturnType<typeof generateDpopKeyPair>>;
