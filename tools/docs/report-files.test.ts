import { describe, expect, it } from '@jest/globals';
import { changedReports } from './report-files.ts';

describe('changedReports', () => {
  it('returns nothing if the committed reports equal the reports of the build', () => {
    expect(changedReports(new Map([['a.api.md', 'text\n']]), new Map([['a.api.md', 'text\n']]))).toEqual([]);
  });

  it('reports the first line that differs', () => {
    const committed = new Map([['a.api.md', 'one\ntwo\nthree\n']]);
    expect(changedReports(committed, new Map([['a.api.md', 'one\n2\nthree\n']]))).toEqual([
      'a.api.md differs from the build from line 2 on:\n  - two\n  + 2',
    ]);
  });

  it('reports a report that is shorter or longer than the report of the build', () => {
    expect(changedReports(new Map([['a.api.md', 'one']]), new Map([['a.api.md', 'one\ntwo']]))).toEqual([
      'a.api.md differs from the build from line 2 on:\n  - (end)\n  + two',
    ]);
    expect(changedReports(new Map([['a.api.md', 'one\ntwo']]), new Map([['a.api.md', 'one']]))).toEqual([
      'a.api.md differs from the build from line 2 on:\n  - two\n  + (end)',
    ]);
  });

  it('reports an entry point without a report, and a report without an entry point', () => {
    expect(changedReports(new Map([['old.api.md', '']]), new Map([['new.api.md', '']]))).toEqual([
      'new.api.md does not exist: a new entry point?',
      'old.api.md belongs to no entry point',
    ]);
  });
});
