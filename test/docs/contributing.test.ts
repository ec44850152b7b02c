import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

describe('CONTRIBUTING.md', () => {
  it('names only files and folders that exist', () => {
    const page = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    const paths = [...page.matchAll(/`(?<path>(?:packages|test|tools|docs|\.ci)\/[\w./-]+)`/gu)]
      .map(({ groups }) => groups?.['path'] ?? '')
      .filter((path) => !path.includes('NAME'));
    expect(paths.length).toBeGreaterThan(10);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
