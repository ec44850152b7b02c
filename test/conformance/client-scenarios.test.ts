import { describe, expect, test } from '@jest/globals';
import { listScenarios, runScenario } from './run.ts';
import { type SuiteVersion, suiteVersions } from './suite-version.ts';

/** The same as `npx tsx test/conformance/client.ts`, but starts half a second faster. */
const CLIENT = 'node --import tsx test/conformance/client.ts';
const WIF = 'auth/wif-jwt-bearer';
/** A scenario takes about two seconds, and much longer on a busy machine. */
const SCENARIO_MS = 60_000;

const suites = await Promise.all(
  suiteVersions().map(async (suite) => ({ ...suite, scenarios: await listScenarios(suite) })),
);

describe.each(suites)('MCP conformance $version', (suite) => {
  describe.each(['v1', 'v2'])('with SDK %s', (sdk) => {
    test.each([...suite.scenarios])(
      '%s',
      async (scenario) => {
        await expectConformance(suite, scenario, sdk);
      },
      SCENARIO_MS,
    );
  });
});

const newer = suites.filter((suite) => !suite.version.startsWith('0.1.'));
if (newer.length > 0) {
  describe.each(newer)('MCP conformance $version with a server of revision 2026-07-28', (suite) => {
    test.each([...suite.scenarios])(
      '%s',
      async (scenario) => {
        await expectConformance(suite, scenario, 'v2', '2026-07-28');
      },
      SCENARIO_MS,
    );
  });
}

const wif = suites.filter(({ scenarios }) => scenarios.includes(WIF));
if (wif.length > 0) {
  describe.each(wif)('MCP conformance $version, a workload JWT that is refused', (suite) => {
    test.each([
      ['v1', 'expired', 'wif-assertion-expired'],
      ['v2', 'wrong-audience', 'wif-assertion-audience'],
    ])(
      'is neither sent again nor replaced by another grant, with SDK %s (%s)',
      async (sdk, jwt, refusal) => {
        const { exitCode, checks, output } = await runScenario({
          suite,
          scenario: WIF,
          command: CLIENT,
          env: { CREDENCE_SDK: sdk, CREDENCE_WORKLOAD_JWT: jwt },
          timeoutMs: SCENARIO_MS / 2,
        });
        // The suite reports the refusal, and no warning about a second request.
        const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
        expect(bad.map(({ id }) => id)).toEqual([refusal]);
        expect(exitCode).toBe(1);
        expect(output).toContain('CredenceError');
      },
      SCENARIO_MS,
    );
  });
}

async function expectConformance(
  suite: SuiteVersion,
  scenario: string,
  sdk: string,
  specVersion?: string,
): Promise<void> {
  const { exitCode, checks, output } = await runScenario({
    suite,
    scenario,
    command: CLIENT,
    env: { CREDENCE_SDK: sdk },
    timeoutMs: SCENARIO_MS / 2,
    ...(specVersion !== undefined && { specVersion }),
  });
  const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
  // In one comparison, so that a failure shows the checks together with the output of the client.
  expect({ bad, exitCode, output: exitCode === 0 ? '' : output }).toEqual({ bad: [], exitCode: 0, output: '' });
  expect(checks.map(({ status }) => status)).toContain('SUCCESS');
}
