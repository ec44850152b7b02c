import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { conformancePage } from '../requirements/page/page.ts';
import { readDocuments } from '../requirements/rows.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

describe('docs/conformance.md', () => {
  it('is the output of `npm run conformance:page`', async () => {
    const options: unknown = JSON.parse(read('.prettierrc.json'));
    expect(read('docs/conformance.md')).toBe(await conformancePage(readDocuments(), Object(options)));
  });
});
