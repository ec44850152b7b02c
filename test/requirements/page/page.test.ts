import { describe, expect, it } from '@jest/globals';
import type { Requirement, RequirementsDocument } from '../rows.ts';
import { conformancePage } from './page.ts';

const row = (id: string, more: Partial<Requirement>): Requirement => ({
  id,
  role: 'client',
  level: 'MUST',
  section: '4.1',
  requirement: `Sends ${id}.`,
  ...more,
});

const document = (source: string, name: string, requirements: Requirement[]): RequirementsDocument => ({
  source,
  document: name,
  revision: 'revision 1',
  url: 'https://spec.example',
  requirements,
});

const tests = [{ file: 'packages/core/src/a/b.test.ts', titles: ['sends `one`', 'sends *'] }];
const documents = [
  document('dpop.yaml', 'DPoP', [row('D-1', { tests })]),
  document('ema.yaml', 'Enterprise (EMA)', [
    row('E-1', { excluded: 'not implemented yet: It sends nothing.', role: ['client', 'idp'], section: 'errors' }),
    row('E-2', { tests }),
    row('E-3', { excluded: 'out of scope: The platform does it.' }),
  ]),
];

describe('conformancePage', () => {
  it('counts the rows of each document by kind: checked by tests, or the reason for the exclusion', async () => {
    const lines = (await conformancePage(documents, {})).split('\n').filter((line) => line.startsWith('|'));
    const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()));
    expect(cells.map((line) => line.slice(1, -1))).toEqual([
      ['specification', 'checked by tests', 'not implemented yet', 'no test yet', 'out of scope', 'nothing to check'],
      [expect.any(String), ...Array.from({ length: 5 }, () => expect.stringMatching(/^-+$/u))],
      ['[Enterprise (EMA)](#enterprise-ema)', '1', '1', '0', '1', '0'],
      ['[DPoP](#dpop)', '1', '0', '0', '0', '0'],
    ]);
  });

  it('lists each row with its tests, or with the reason for its exclusion', async () => {
    const page = await conformancePage(documents, {});
    expect(page).toContain(
      [
        '- **E-2** (client; MUST; section 4.1). Sends E-2.',
        '  - [`core/a/b.test.ts`](../packages/core/src/a/b.test.ts): `` sends `one` ``; `sends *`',
      ].join('\n'),
    );
    expect(page).toContain('- **E-1** (client, identity provider; MUST; errors). Sends E-1.\n  - It sends nothing.\n');
  });

  it('lists rows with tests first, then excluded rows by kind', async () => {
    const page = await conformancePage(documents, {});
    const headings = page.split('\n').filter((line) => line.startsWith('#'));
    expect(headings).toEqual([
      '# Conformance',
      '## Enterprise (EMA)',
      '### Enterprise (EMA): checked by tests',
      '### Enterprise (EMA): not implemented yet',
      '### Enterprise (EMA): out of scope',
      '## DPoP',
      '### DPoP: checked by tests',
    ]);
  });
});
