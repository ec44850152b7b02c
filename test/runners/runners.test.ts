import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { installPackages, runInSuite, SUITE, suiteIsInstalled } from './suite.ts';

/** Several times what a machine with two cores needs. */
const INSTALL_MS = 120_000;
const RUN_MS = 120_000;

const JEST = join(SUITE, 'node_modules/jest/bin/jest.js');
const VITEST = join(SUITE, 'node_modules/vitest/vitest.mjs');
const AS_MODULES = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];

/** Skips the tests if the runners are not installed, and says so. With CI=true it throws. */
function describeWithRunners(name: string, tests: () => void): void {
  if (suiteIsInstalled()) {
    describe(name, tests);
    return;
  }
  const missing = `The test runners are not installed: the tests of "${name}" are SKIPPED (npm run test:full installs them).`;
  if (process.env['CI'] === 'true') throw new Error(missing);
  process.stderr.write(`\n${missing}\n`);
  describe.skip(name, tests);
}

describeWithRunners("a bot's own tests with the packed packages", () => {
  let workspace: string;

  beforeAll(async () => {
    workspace = await mkdtemp(join(tmpdir(), 'credence-runners-'));
    await installPackages(workspace);
  }, INSTALL_MS);

  afterAll(async () => {
    await rm(workspace, { recursive: true, force: true });
  });

  it.each<[string, string, readonly string[], RegExp]>([
    ['jest with CommonJS and the preset', 'jest-cjs', [JEST, '--ci'], /Tests: +8 passed, 8 total/u],
    ['jest with ES modules and the preset', 'jest-esm', [...AS_MODULES, JEST, '--ci'], /Tests: +8 passed, 8 total/u],
    [
      'jest with ES modules, without the preset',
      'jest-esm',
      [...AS_MODULES, JEST, '--ci', '--config', '{}', '--testNamePattern', '^(?!errors of Node.js)'],
      /Tests: +1 skipped, 7 passed, 8 total/u,
    ],
    ['vitest', 'vitest', [VITEST, 'run', '--no-color'], /Tests +4 passed \(4\)/u],
    ['node:test', 'node', ['--test'], /^# pass 3$/mu],
  ])(
    'pass in %s',
    async (_runner, folder, args, summary) => {
      const { exitCode, stdout, stderr } = await runInSuite(folder, args);
      expect({ exitCode, output: exitCode === 0 ? '' : stdout + stderr }).toEqual({ exitCode: 0, output: '' });
      expect(stdout + stderr).toMatch(summary);
    },
    RUN_MS,
  );
});
