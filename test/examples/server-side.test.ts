import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

describe.each([
  ['mcp-server-express', '"proven":true'],
  ['mcp-server-hono', '"proven":true'],
  ['verify-id-jag', 'one granted, two refused'],
  ['add-to-existing-as', ' by bot-at-as: issues:read'],
])('examples/%s.ts', (name, output) => {
  it('runs without a failed assertion and prints its result', async () => {
    const run = promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${name}.ts`], { cwd: ROOT });
    expect((await run).stdout).toContain(output);
  }, 60_000);
});
