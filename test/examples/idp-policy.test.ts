import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

describe('examples/idp-policy.ts', () => {
  it('runs without a failed assertion', async () => {
    const run = promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/idp-policy.ts'], { cwd: ROOT });
    expect((await run).stdout).toContain('10 decisions, all recorded');
  }, 60_000);
});
