import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const page = readFileSync(join(import.meta.dirname, '../../docs/decisions.md'), 'utf8');
const entries = page
  .trim()
  .split(/\n\n(?=\*\*|## )/u)
  .slice(1)
  .filter((block) => !block.startsWith('## '));

describe('docs/decisions.md', () => {
  it('gives the decision, the reason and the alternative in each entry', () => {
    expect(entries.length).toBeGreaterThan(40);
    for (const entry of entries) expect(entry).toMatch(/^\*\*.+\*\*\n[\s\S]+\nAlternative: [\s\S]+$/u);
  });
});
