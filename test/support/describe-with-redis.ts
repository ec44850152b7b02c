import { describe } from '@jest/globals';
import { redisIsInstalled } from './redis-server.ts';

/**
 * The same as `describe` if redis-server is installed. Otherwise it skips the tests and prints a message. With CI=true it throws
 * instead, so that these tests are never skipped in CI.
 */
export function describeWithRedis(name: string, tests: () => void): void {
  if (redisIsInstalled()) {
    describe(name, tests);
    return;
  }
  const missing = `redis-server is not installed: the tests of "${name}" are SKIPPED (apt-get install redis-server).`;
  if (process.env['CI'] === 'true') throw new Error(missing);
  process.stderr.write(`\n${missing}\n`);
  describe.skip(name, tests);
}
