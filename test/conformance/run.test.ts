import { describe, expect, test } from '@jest/globals';
import { listScenarios, runScenario } from './run.ts';
import { type SuiteVersion, suiteNode, suiteVersions } from './suite-version.ts';

const LIMIT_MS = 60_000;

function pinned(version: string): SuiteVersion {
  const suite = suiteVersions({}).find((candidate) => candidate.version === version);
  if (suite === undefined) throw new Error(`conformance ${version} is not installed`);
  return suite;
}

describe('the runner of the conformance suite', () => {
  test.each(['0.1.16', '0.2.0-alpha.12'])(
    'reports a failure for a client that does nothing, with version %s',
    async (version) => {
      const { exitCode, checks } = await runScenario({
        suite: pinned(version),
        scenario: 'auth/client-credentials-basic',
        command: 'node --version',
      });
      expect(exitCode).toBe(1);
      expect(checks).toEqual([expect.objectContaining({ id: 'client-credentials-basic-auth', status: 'FAILURE' })]);
    },
    LIMIT_MS,
  );

  test(
    'reports a failure for a client that exits with an error, with its output',
    async () => {
      const { exitCode, output } = await runScenario({
        suite: pinned('0.1.16'),
        scenario: 'auth/client-credentials-basic',
        command: 'node --no-such-flag',
      });
      expect(exitCode).toBe(1);
      expect(output).toMatch(/bad option: --no-such-flag/);
    },
    LIMIT_MS,
  );

  test(
    'lists the scenarios of the suite that Credence implements',
    async () => {
      await expect(listScenarios(pinned('0.1.16'))).resolves.toEqual([
        'auth/client-credentials-jwt',
        'auth/client-credentials-basic',
        'auth/cross-app-access-complete-flow',
      ]);
      await expect(listScenarios(pinned('0.2.0-alpha.12'))).resolves.toEqual([
        'auth/client-credentials-jwt',
        'auth/client-credentials-basic',
        'auth/enterprise-managed-authorization',
        'auth/wif-jwt-bearer',
      ]);
    },
    LIMIT_MS,
  );

  test('runs the version at the folder or file in CREDENCE_CONFORMANCE_BIN', () => {
    const { bin, version } = pinned('0.1.16');
    const folder = bin.replace(/\/dist\/index\.js$/, '');
    expect(suiteVersions({ CREDENCE_CONFORMANCE_BIN: bin })).toEqual([{ bin, version }]);
    expect(suiteVersions({ CREDENCE_CONFORMANCE_BIN: folder })).toEqual([{ bin, version }]);
  });

  test('throws with the command to run if that version does not exist', () => {
    expect(() => suiteVersions({ CREDENCE_CONFORMANCE_BIN: 'no/such/suite' })).toThrow(/npm ci --prefix/);
  });

  test('runs the suite with the Node in CREDENCE_CONFORMANCE_NODE', () => {
    expect(suiteNode({ CREDENCE_CONFORMANCE_NODE: '/opt/node/bin/node' })).toBe('/opt/node/bin/node');
  });
});
