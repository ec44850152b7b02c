import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES } from './codes.ts';

const ROOT = join(import.meta.dirname, '../../../..');
/** The folders whose code throws errors with these codes, or whose tests expect them. */
const files = ['packages/core/src', 'packages/langchain/src', 'test/e2e'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => file.endsWith('.ts') && !/errors\/codes(?:\.test)?\.ts$/u.test(file)),
);
const read = (which: (file: string) => boolean) =>
  files
    .filter(which)
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n');
const source = read((file) => file.startsWith('packages') && !file.endsWith('.test.ts'));
const tests = read((file) => file.endsWith('.test.ts'));

describe('the catalogue of error codes', () => {
  it.each(Object.keys(ERROR_CODES))('contains %s, which the code uses and a test expects', (code) => {
    expect({ used: source.includes(`'${code}'`), expected: tests.includes(`'${code}'`) }).toEqual({
      used: true,
      expected: true,
    });
  });

  it.each(Object.entries(ERROR_CODES))(
    'contains for %s a meaning, the legs, the contacts and a remedy',
    (code, entry) => {
      expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/u);
      expect(entry.meaning).toMatch(/^[^A-Z].{10,}[^.]$/u);
      expect(entry.remedy).toMatch(/^[A-Z].{10,}\.$/u);
      expect(new Set(entry.legs).size).toBe(entry.legs.length);
      expect(entry.legs.length).toBeGreaterThan(0);
      expect(entry.contacts.length).toBeGreaterThan(0);
    },
  );
});
