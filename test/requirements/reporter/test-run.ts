import { relative, sep } from 'node:path';
import { z } from 'zod';

export type TestStatus = 'passed' | 'failed' | 'skipped';

export interface TestCase {
  /** The titles of the `describe` blocks and of the test, joined by spaces: jest's `fullName`. */
  readonly title: string;
  readonly status: TestStatus;
}

export interface TestFile {
  readonly tests: readonly TestCase[];
  /** True if the file failed before its tests ran, for example because of a failed import. */
  readonly broken: boolean;
}

/** The results of a run of jest. The keys are file paths relative to the root of the repository, with slashes. */
export type TestRun = ReadonlyMap<string, TestFile>;

const assertion = z.object({ fullName: z.string(), status: z.string() });

/** The results of one file, as passed to a reporter (`testFilePath`, `testResults`) or written by `--json` (`name`, `assertionResults`). */
const fileSchema = z.union([
  z
    .object({ testFilePath: z.string(), testResults: z.array(assertion), testExecError: z.unknown().optional() })
    .transform(({ testFilePath, testResults, testExecError }) => ({
      path: testFilePath,
      tests: testResults,
      failed: testExecError !== undefined && testExecError !== null,
    })),
  z
    .object({ name: z.string(), assertionResults: z.array(assertion), status: z.string() })
    .transform(({ name, assertionResults, status }) => ({
      path: name,
      tests: assertionResults,
      failed: status === 'failed',
    })),
]);

const runSchema = z.object({ testResults: z.array(fileSchema) });

/** Reads the results of a run, as passed to a reporter or written by `--json`. */
export function readTestRun(results: unknown, root: string): TestRun {
  const { testResults } = runSchema.parse(results);
  return new Map(
    testResults.map(({ path, tests, failed }) => [
      relative(root, path).split(sep).join('/'),
      {
        tests: tests.map(({ fullName, status }) => ({ title: fullName, status: statusOf(status) })),
        broken: failed && tests.length === 0,
      },
    ]),
  );
}

function statusOf(status: string): TestStatus {
  if (status === 'passed' || status === 'failed') return status;
  return 'skipped';
}
