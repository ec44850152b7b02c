import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const page = readFileSync(join(import.meta.dirname, '../../docs/decisions.md'), 'utf8');
const entries = page
  .trim()
  .split(/\n\n+/u)
  .slice(2)
  .filter((block) => !block.startsWith('## '))
  .map((block) => block.split('\n'));

describe('docs/decisions.md', () => {
  it('says in three lines each what was decided, why, and what else it could have been', () => {
    const decided = [/^\*\*.+\*\*$/u, /^/u, /^Alternative: /u].map((line): unknown => expect.stringMatching(line));
    for (const entry of entries) expect(entry).toEqual(decided);
  });

  it('has no line that is longer than those of the code', () => {
    expect(page.split('\n').filter((line) => line.length > 120)).toEqual([]);
  });
});
