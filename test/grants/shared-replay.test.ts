import { redisReplayStore } from '@credence/redis';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createClient } from 'redis';
import { describeWithRedis } from '../support/describe-with-redis.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { goodClaims, goodHeader, IDP } from './support/bad-grants.ts';
import { Issuer } from './support/issuer.ts';
import { redeem } from './support/redeem.ts';
import { handlerTarget, type Target } from './support/targets.ts';

const connect = (url: string) =>
  createClient({ url, socket: { reconnectStrategy: false } })
    .on('error', () => undefined)
    .connect();

describeWithRedis('two instances of an authorization server with one replay store on Redis', () => {
  let redis: RedisServer;
  let clients: Awaited<ReturnType<typeof connect>>[];
  let idp: Issuer;
  let instances: [Target, Target];

  beforeAll(async () => {
    [redis, idp] = await Promise.all([startRedisServer(), Issuer.create(['ES256'])]);
    const [first, second] = await Promise.all([connect(redis.url), connect(redis.url)]);
    clients = [first, second];
    const issuers = { [IDP]: { jwks: idp.jwks } };
    instances = await Promise.all([
      handlerTarget({ issuers, replay: redisReplayStore({ client: first }) }),
      handlerTarget({ issuers, replay: redisReplayStore({ client: second }) }),
    ]);
  });
  afterAll(async () => {
    for (const client of clients) if (client.isOpen) client.destroy();
    await redis.stop();
  });

  const grant = () => idp.sign(JSON.stringify(goodClaims({ audience: instances[0].issuer })), goodHeader());

  it('accept exactly one of many concurrent redemptions of one ID-JAG', async () => {
    const assertion = await grant();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => redeem(at % 2 === 0 ? instances[0] : instances[1], assertion)),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      200,
      ...Array.from({ length: 19 }, () => 400),
    ]);
    const records = instances.flatMap((instance) => instance.records);
    expect(records.filter(({ reason }) => reason === 'replayed')).toHaveLength(19);
  });

  it('respond with 503 temporarily_unavailable while Redis is down', async () => {
    await redis.kill();
    await expect(redeem(instances[0], await grant())).resolves.toMatchObject({
      status: 503,
      body: { error: 'temporarily_unavailable' },
    });
    expect(instances[0].records.at(-1)).toMatchObject({ granted: false, reason: 'replay_unknown: unreachable' });
  });
});
