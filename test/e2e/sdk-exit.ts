import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';

// a hundred calls over HTTP, or a process of its own, take their time on a busy machine
jest.setTimeout(90_000);

const ROOT = join(import.meta.dirname, '../..');

/** A timer or a socket that is left behind keeps a process alive: this one has to end by itself. */
export function describeExit(example: string): void {
  describe(`examples/${example}`, () => {
    it('finds what it expects, closes what it opened, and ends', async () => {
      const child = spawn(process.execPath, ['--import', 'tsx', `examples/${example}`], {
        cwd: ROOT,
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: 80_000,
      });
      const complaints: string[] = [];
      child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
      const [code, signal] = await once(child, 'close');
      expect({ code, signal, complaints: complaints.join('') }).toEqual({ code: 0, signal: null, complaints: '' });
    });
  });
}
