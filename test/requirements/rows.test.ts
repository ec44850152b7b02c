import { describe, expect, it } from '@jest/globals';
import { duplicateIds, parseDocument, readDocuments } from './rows.ts';

/** A table with one row. `changes` replaces members of the row, or removes them if the value is undefined. */
function table(changes: Record<string, string | undefined> = {}): string {
  const row: Record<string, string | undefined> = {
    id: 'X-1',
    role: 'client',
    level: 'MUST',
    section: '4.1',
    requirement: 'Sends the audience.',
    excluded: '"out of scope: an example"',
    ...changes,
  };
  const lines = Object.entries(row).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${value}`]));
  return `document: Example\nrevision: '1'\nurl: https://spec.example\nrequirements:\n  - ${lines.join('\n    ')}\n`;
}

const LINK = '[{ file: a/b.test.ts, titles: [the client sends the audience] }]';

describe('a table of requirements', () => {
  it('is parsed, and keeps the name of its file', () => {
    expect(parseDocument('x.yaml', table({ excluded: undefined, tests: LINK, role: '[client, idp]' }))).toEqual({
      source: 'x.yaml',
      document: 'Example',
      revision: '1',
      url: 'https://spec.example',
      requirements: [
        {
          id: 'X-1',
          role: ['client', 'idp'],
          level: 'MUST',
          section: '4.1',
          requirement: 'Sends the audience.',
          tests: [{ file: 'a/b.test.ts', titles: ['the client sends the audience'] }],
        },
      ],
    });
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ['an unknown role', { role: 'server' }, 'X-1 role'],
    ['an unknown level', { level: 'OUGHT' }, 'X-1 level'],
    ['no section', { section: undefined }, 'X-1 section'],
    ['no requirement', { requirement: '""' }, 'X-1 requirement'],
    ['an unknown member', { status: 'met' }, 'X-1'],
    ['an invalid id', { id: 'first' }, 'an id looks like J-28'],
    ['neither tests nor excluded', { excluded: undefined }, 'either tests or excluded'],
    ['both tests and excluded', { tests: LINK }, 'either tests or excluded'],
    ['an empty list of tests', { excluded: undefined, tests: '[]' }, 'X-1 tests'],
    ['a file that is not a test file', { excluded: undefined, tests: LINK.replace('.test', '') }, 'X-1 tests.0.file'],
    [
      'a title that matches nearly all titles',
      { excluded: undefined, tests: LINK.replace(/the.*ce/u, '"a *"') },
      '8 characters',
    ],
    ['a reason without a kind', { excluded: 'it is not needed' }, 'a reason begins with'],
  ])('with %s in a row is refused, with an error that names the row', (_what, changes, message) => {
    expect(() => parseDocument('x.yaml', table(changes))).toThrow(message);
    expect(() => parseDocument('x.yaml', table(changes))).toThrow('x.yaml is not a table of requirements');
  });

  it('must not use an id of another table', () => {
    const first = parseDocument('x.yaml', table());
    expect(duplicateIds([first, parseDocument('y.yaml', table({ id: 'X-2' }))])).toEqual([]);
    expect(duplicateIds([first, parseDocument('y.yaml', table())])).toEqual(['X-1']);
  });
});

describe('the tables in test/requirements', () => {
  it('are valid and use each id once', () => {
    expect(readDocuments().length).toBeGreaterThan(0);
  });
});
