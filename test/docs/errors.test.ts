import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ERROR_CODES } from '../../tools/errors/catalogues.ts';
import { errorPage } from '../../tools/errors/page.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = join(ROOT, 'docs/errors.md');

const source = readdirSync(join(ROOT, 'packages'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /^[\w-]+\/src\/.*\.ts$/u.test(file) && !file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(ROOT, 'packages', file), 'utf8'))
  .join('\n');

/** The string literals that object literals in `text` assign to `member`. */
function literals(text: string, member: string): string[] {
  return [...text.matchAll(new RegExp(`\\b${member}: '(?<value>[\\w-]+)'`, 'gu'))].map(
    ({ groups }) => groups?.['value'] ?? '',
  );
}

describe('docs/errors.md', () => {
  it('is the output of `npm run docs:errors`', async () => {
    expect(readFileSync(PAGE, 'utf8')).toBe(await errorPage(PAGE));
  });

  it('lists every leg and contact that the packages use with an error code', () => {
    // The text of an error: from `code:` to the line that closes the object literal.
    const errors = [...source.matchAll(/\bcode: '(?<code>\w+)'(?<rest>[\s\S]*?)(?:^\s*\}|\}\);)/gmu)];
    const found = errors.flatMap(({ groups: { code = '', rest = '' } = {} }) => {
      const entry = Object.entries(ERROR_CODES).find(([name]) => name === code)?.[1];
      if (entry === undefined) return [];
      const wrongLegs = literals(rest, 'leg').filter((leg) => !entry.legs.some((each) => each === leg));
      const wrongContacts = literals(rest, 'contact').filter((who) => !entry.contacts.some((each) => each === who));
      return [{ code, wrong: [...wrongLegs, ...wrongContacts] }];
    });
    expect(found.length).toBeGreaterThan(40);
    expect(found.filter(({ wrong }) => wrong.length > 0)).toEqual([]);
  });
});
