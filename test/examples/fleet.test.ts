import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithRedis } from '../support/describe-with-redis.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';

const ROOT = join(import.meta.dirname, '../..');

describeWithRedis('examples/fleet.ts', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());

  it('sends as many token requests for ten copies on one Redis as for one copy', async () => {
    const env = { ...process.env, REDIS_URL: redis.url };
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/fleet.ts'], {
      cwd: ROOT,
      env,
    });
    expect(stdout).toContain('shared in Redis: 2 requests at the IdP, 1 at the authorization server');
  }, 60_000);
});
