import { describe, expect, it } from '@jest/globals';
import type { RequirementsDocument } from '../rows.ts';
import { checkLinks, type LinkCheck, linkMessage } from './links.ts';
import { readTestRun, type TestRun } from './test-run.ts';

const FILE = 'packages/authorization-server/src/verify.test.ts';

function documentNaming(title: string, file: string = FILE): RequirementsDocument {
  return {
    source: 'id-jag.yaml',
    document: 'Example',
    revision: '1',
    url: 'https://spec.example',
    requirements: [
      {
        id: 'J-28',
        role: 'client',
        level: 'MUST',
        section: '1',
        requirement: 'x',
        tests: [{ file, titles: [title] }],
      },
    ],
  };
}

/** The results of a run, in the form that jest passes to a reporter. */
function runOf(tests: Record<string, string>, file: string = FILE): TestRun {
  const testResults = Object.entries(tests).map(([fullName, status]) => ({ fullName, status }));
  return readTestRun({ testResults: [{ testFilePath: `/repo/${file}`, testResults }] }, '/repo');
}

function check(title: string, run: TestRun, options: LinkCheck = {}) {
  return checkLinks([documentNaming(title)], run, options);
}

describe('a link to a test', () => {
  it('is valid if the test passed', () => {
    expect(check('a grant is refused', runOf({ 'a grant is refused': 'passed' }))).toEqual({
      broken: [],
      skipped: [],
      valid: 1,
      notCovered: 0,
    });
  });

  it('is broken if no test has the title, and suggests the most similar titles of the file', () => {
    const run = runOf({ 'a grant is turned down': 'passed', 'a grant is refused twice': 'passed', other: 'passed' });
    const { broken } = check('a grant is refused', run);
    expect(broken).toEqual([
      {
        id: 'J-28',
        source: 'id-jag.yaml',
        file: FILE,
        title: 'a grant is refused',
        problem: 'no test of this file has that title',
        suggestions: ['a grant is refused twice', 'a grant is turned down'],
      },
    ]);
  });

  it('is broken if the test was skipped', () => {
    const { broken } = check('a grant is refused', runOf({ 'a grant is refused': 'pending' }));
    expect(broken).toMatchObject([{ id: 'J-28', problem: 'the test was skipped' }]);
  });

  it('is broken if the test failed', () => {
    const { broken } = check('a grant is refused', runOf({ 'a grant is refused': 'failed' }));
    expect(broken).toMatchObject([{ problem: 'the test failed', suggestions: ['a grant is refused'] }]);
  });

  it('is broken if the file failed before its tests ran', () => {
    const failed = { testFilePath: `/repo/${FILE}`, testResults: [], testExecError: { message: 'cannot import' } };
    const { broken } = check('a grant is refused', readTestRun({ testResults: [failed] }, '/repo'));
    expect(broken).toMatchObject([{ problem: 'the file failed before its tests ran' }]);
  });

  it('is broken if the file was renamed, and suggests the file that has the test', () => {
    const run = runOf({ 'a grant is refused': 'passed' }, 'packages/authorization-server/src/refusals.test.ts');
    expect(check('a grant is refused', run).broken).toMatchObject([
      { problem: 'no such file of tests ran', suggestions: ['packages/authorization-server/src/refusals.test.ts'] },
    ]);
  });

  it('is broken if the file was moved and the test renamed, and suggests the file with the same name', () => {
    const run = runOf({ 'refuses a grant': 'passed' }, 'packages/authorization-server/src/id-jag/verify.test.ts');
    expect(check('a grant is refused', run).broken).toMatchObject([
      { suggestions: ['packages/authorization-server/src/id-jag/verify.test.ts'] },
    ]);
  });

  it('with a * is valid if at least one test matches and all matching tests passed', () => {
    const passed = runOf({ 'a grant with (a) is refused': 'passed', 'a grant with b is refused': 'passed' });
    expect(check('a grant with * is refused', passed).valid).toBe(1);
    expect(check('a grant with (a) is refused', passed).valid).toBe(1);
    const one = runOf({ 'a grant with (a) is refused': 'passed', 'a grant with b is refused': 'failed' });
    expect(check('a grant with * is refused', one).broken).toMatchObject([
      { suggestions: ['a grant with b is refused'] },
    ]);
    expect(check('a grant with * is accepted', passed).broken).toHaveLength(1);
  });

  it('to a skipped test is reported as skipped, not as broken, if the file may be skipped on this machine', () => {
    const run = runOf({ 'a grant is refused': 'pending' });
    const report = check('a grant is refused', run, { maySkip: (file) => file === FILE });
    expect(report).toMatchObject({ broken: [], skipped: [{ id: 'J-28' }], valid: 0 });
    expect(linkMessage(report)).toContain('SKIPPED because redis-server is not installed: J-28');
  });

  it('to a missing test is broken, also if the file may be skipped', () => {
    const report = check('a grant is refused', runOf({ other: 'pending' }), { maySkip: () => true });
    expect(report.broken).toHaveLength(1);
  });

  it('to a file that the run does not cover is not checked', () => {
    const run = runOf({ other: 'passed' }, 'packages/core/src/other.test.ts');
    expect(check('a grant is refused', run, { covers: (file) => run.has(file) })).toMatchObject({
      broken: [],
      valid: 0,
      notCovered: 1,
    });
  });

  it('is valid for a skipped test, but broken for a missing test, in a run that only lists titles', () => {
    const run = runOf({ 'a grant is refused': 'pending' });
    expect(check('a grant is refused', run, { titlesOnly: true }).valid).toBe(1);
    expect(check('a token is refused', run, { titlesOnly: true }).broken).toHaveLength(1);
  });
});

describe('linkMessage', () => {
  it('names the row, the table, the file, the title and the suggestions', () => {
    const run = runOf({ 'a grant is refused twice': 'passed' });
    const lines = linkMessage(check('a grant is refused', run)).split('\n');
    expect(lines).toEqual([
      'Tests named in test/requirements that did not pass: 1',
      '',
      '  J-28 (id-jag.yaml): no test of this file has that title',
      `    file:  ${FILE}`,
      '    title: a grant is refused',
      '    maybe: a grant is refused twice',
    ]);
  });

  it('is empty if every link is valid', () => {
    expect(linkMessage(check('a grant is refused', runOf({ 'a grant is refused': 'passed' })))).toBe('');
  });
});

describe('readTestRun', () => {
  it('reads the output of jest --json like the results of a reporter', () => {
    const written = {
      testResults: [
        {
          name: `/repo/${FILE}`,
          status: 'passed',
          assertionResults: [{ fullName: 'a grant is refused', status: 'passed' }],
        },
        { name: '/repo/broken.test.ts', status: 'failed', assertionResults: [] },
      ],
    };
    const run = readTestRun(written, '/repo');
    expect(run.get(FILE)).toEqual({ broken: false, tests: [{ title: 'a grant is refused', status: 'passed' }] });
    expect(run.get('broken.test.ts')).toEqual({ broken: true, tests: [] });
  });
});
