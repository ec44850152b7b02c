import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { EXAMPLES, PROJECTS } from './projects.ts';

/**
 * `describe` for tests that need the packages of the frameworks, which `npm ci` does not install. Without them the tests are left out
 * with a message. With CI=true they fail.
 */
export function describeWithFrameworks(title: string, tests: () => void): void {
  const isInstalled = PROJECTS.every(({ examples }) => existsSync(join(EXAMPLES, examples, 'node_modules')));
  if (isInstalled || process.env['CI'] === 'true') {
    describe(title, tests);
    return;
  }
  process.stderr.write(
    `Left out, because the frameworks are not installed: ${title}. npm run test:full installs them.\n`,
  );
  describe.skip(title, tests);
}
