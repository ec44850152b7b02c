import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs `npm run bench` with these arguments. */
async function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const command = ['--import', 'tsx', 'bench/main.ts', ...args];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, { cwd: root });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

describe('npm run bench', () => {
  it('measures a cached token and a verification, and reports whether each target is met', async () => {
    const { code, stdout, stderr } = await bench('--only', 'd,g', '--rounds', '1', '--json');
    expect({ code, stderr: stderr.match(/error/iu) }).toEqual({ code: 0, stderr: null });
    const { machine, rows } = JSON.parse(stdout) as {
      machine: { node: string; versions: Record<string, string> };
      rows: { id: string; credence: number[]; target?: { text: string; met: boolean } }[];
    };
    expect(machine).toMatchObject({ node: process.version, versions: { '@modelcontextprotocol/client': '2.4.0' } });
    expect(rows.map(({ id }) => id)).toEqual(['d', 'd', 'g']);
    for (const { credence } of rows) expect(credence[0]).toBeGreaterThan(0);
    expect(rows.flatMap(({ target }) => target?.text ?? [])).toEqual(['< 2000 ns', '>= 0.85 x']);
  }, 120_000);

  it('exits with code 1 for an unknown measurement', async () => {
    const { code, stderr } = await bench('--only', 'd,z');
    expect(code).toBe(1);
    expect(stderr).toContain('"z" is no measurement');
  }, 60_000);
});
