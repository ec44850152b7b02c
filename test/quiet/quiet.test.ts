import { execFile } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import * as z from 'zod';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const Report = z.object({
  testResults: z.tuple([
    z.object({
      message: z.string(),
      assertionResults: z.array(
        z.object({ title: z.string(), status: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ]),
});

/** Runs jest on printing.fixture.ts. Resolves to its report. */
async function report(): Promise<z.infer<typeof Report>['testResults'][0]> {
  const jest = [resolve(ROOT, 'node_modules/jest/bin/jest.js'), '--json', '--testMatch', '**/printing.fixture.ts'];
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const stdout = await new Promise<string>((done) => {
    execFile(process.execPath, [...flags, ...jest], { cwd: ROOT }, (_error, output) => done(output));
  });
  return Report.parse(JSON.parse(stdout)).testResults[0];
}

test('a test fails with the printed text if it prints or if Node emits a warning', async () => {
  const { assertionResults, message } = await report();
  const outcomes = Object.fromEntries(
    assertionResults.map(({ title, status, failureMessages }) => [
      title,
      status === 'passed' ? 'passed' : failureMessages.join('\n'),
    ]),
  );
  expect(outcomes).toEqual({
    'console.warn': expect.stringContaining('console.warn was called:\n\nprinted by a test\n'),
    'console.info, after an await': expect.stringContaining('console.info was called:\n\nprinted after an await\n'),
    'process.emitWarning': expect.stringContaining(
      'Node emitted a process warning:\n\nWarning: a warning of the process',
    ),
    nothing: 'passed',
    'console.log': 'passed',
    'an expected console.warn': 'passed',
  });
  expect(message).toContain('printed by afterAll');
});
