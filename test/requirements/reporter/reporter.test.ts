import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const JEST = join(import.meta.dirname, '../../../node_modules/jest/bin/jest.js');
const ENVIRONMENT = createRequire(import.meta.url).resolve('jest-environment-node');

let project: string;

beforeAll(() => {
  project = realpathSync(mkdtempSync(join(tmpdir(), 'requirements-')));
  writeFileSync(
    join(project, 'a.test.ts'),
    `it('refuses a grant', () => {});\nit.skip('refuses a token', () => {});\n`,
  );
});
afterAll(() => rmSync(project, { recursive: true }));

/** Runs jest in a project with one test file, and with a table of one row that names the test `title`. */
function run(title: string, ...args: string[]): { status: number | null; output: string } {
  const table = {
    document: 'Example',
    revision: '1',
    url: 'https://spec.example',
    requirements: [
      {
        id: 'X-1',
        role: 'client',
        level: 'MUST',
        section: '1',
        requirement: 'x',
        tests: [{ file: 'a.test.ts', titles: [title] }],
      },
    ],
  };
  // JSON is also valid YAML.
  writeFileSync(join(project, 'x.yaml'), JSON.stringify(table));
  const config = {
    rootDir: project,
    testEnvironment: ENVIRONMENT,
    testMatch: ['<rootDir>/*.test.ts'],
    transform: {},
    reporters: [[join(import.meta.dirname, 'index.js'), { folder: project }]],
  };
  const { status, stderr } = spawnSync(process.execPath, [JEST, '--config', JSON.stringify(config), ...args], {
    encoding: 'utf8',
    timeout: 25_000,
  });
  return { status, output: stderr };
}

describe('jest with the reporter', () => {
  it('succeeds and prints nothing if the named test passed', () => {
    expect(run('refuses a grant')).toEqual({ status: 0, output: '' });
  });

  it('fails and names the row if no test has the title', () => {
    const { status, output } = run('refuses a bad grant');
    expect(status).toBe(1);
    expect(output).toContain('X-1 (x.yaml): no test of this file has that title');
    expect(output).toContain('maybe: refuses a grant');
  });

  it('fails if the named test was skipped', () => {
    const { status, output } = run('refuses a token');
    expect(status).toBe(1);
    expect(output).toContain('X-1 (x.yaml): the test was skipped');
  });

  it('checks nothing after a run of only some tests', () => {
    expect(run('refuses a bad grant', '-t', 'refuses a grant')).toEqual({ status: 0, output: '' });
    expect(run('refuses a bad grant', 'a.test.ts')).toEqual({ status: 0, output: '' });
  });

  it('fails and prints the reason if a table is invalid', () => {
    const { status, output } = run('short');
    expect(status).toBe(1);
    expect(output).toContain('X-1 tests.0.titles.0: a title needs at least 8 characters');
  });
});
