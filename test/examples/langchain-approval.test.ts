import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

describe('examples/langchain-approval.ts', () => {
  it('resumes the run in another process, which makes the approved call', async () => {
    const args = ['--import', 'tsx', 'examples/langchain-approval.ts'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
    expect(stdout).toContain('another process resumes the run: issues__create_issue success');
    expect(stdout).toContain('All checks passed.');
  }, 60_000);
});
