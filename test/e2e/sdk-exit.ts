import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';

// a hundred calls over HTTP, or a child process, can take long on a busy machine
jest.setTimeout(90_000);

const ROOT = join(import.meta.dirname, '../..');

/** Tests that an example exits: a timer or socket that is not closed would keep the process running. */
export function describeExit(example: string): void {
  describe(`examples/${example}`, () => {
    it('exits with code 0 and prints nothing on stderr', async () => {
      const child = spawn(process.execPath, ['--import', 'tsx', `examples/${example}`], {
        cwd: ROOT,
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: 80_000,
      });
      const errorOutput: string[] = [];
      child.stderr.setEncoding('utf8').on('data', (text: string) => errorOutput.push(text));
      const [code, signal] = await once(child, 'close');
      expect({ code, signal, errorOutput: errorOutput.join('') }).toEqual({ code: 0, signal: null, errorOutput: '' });
    });
  });
}
