import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, jest } from '@jest/globals';
import { EXPENSIVE_SCHEMAS } from './support/expensive-schemas.ts';

// a child process can take long on a busy machine
jest.setTimeout(60_000);

const PROGRAM = fileURLToPath(new URL('support/expensive-schemas-process.ts', import.meta.url));
/**
 * The promise is half a second. The measured time has the garbage collection and the compilation of the code in it, and the caches of the
 * processor are shared with other programs.
 */
const MAX_MS = 1_000;

it.each(Object.keys(EXPENSIVE_SCHEMAS))('a schema and its value cannot stall the process: %s', async (family) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', PROGRAM, family], {
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  const steps = JSON.parse(stdout) as number[];
  expect(steps).toHaveLength(4);
  for (const milliseconds of steps) expect(milliseconds).toBeLessThan(MAX_MS);
});
