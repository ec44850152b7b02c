import { describe } from '@jest/globals';
import { redisIsInstalled } from './redis-server.ts';

/**
 * `describe`, where redis-server is installed. Elsewhere it says aloud that these tests were left out; in CI that is a failure,
 * because a test that never runs there protects nothing.
 */
export function describeWithRedis(name: string, tests: () => void): void {
  if (redisIsInstalled()) {
    describe(name, tests);
    return;
  }
  const missing = `redis-server is not installed: the tests of "${name}" were LEFT OUT (apt-get install redis-server).`;
  if (process.env['CI'] === 'true') throw new Error(missing);
  process.stderr.write(`\n${missing}\n`);
  describe.skip(name, tests);
}
