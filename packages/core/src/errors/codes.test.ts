import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES } from './codes.ts';

const root = join(import.meta.dirname, '..');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && file !== join('errors', 'codes.ts'),
);
const read = (which: (file: string) => boolean) =>
  files
    .filter(which)
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
const source = read((file) => !file.endsWith('.test.ts'));
const tests = read((file) => file.endsWith('.test.ts') && !file.endsWith('codes.test.ts'));

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
