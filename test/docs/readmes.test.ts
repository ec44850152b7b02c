import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

describe.each([
  'protocol',
  'platforms',
  'resource-server',
  'authorization-server',
  'identity-provider',
  'sandbox',
  'testing',
  'idps',
])('the README of packages/%s', (name) => {
  const readme = readFileSync(join(ROOT, 'packages', name, 'README.md'), 'utf8');

  it('has fewer than 600 words, with code', () => {
    expect(readme.split(/\s+/u).filter((word) => word !== '').length).toBeLessThan(600);
  });

  it('begins with the name of the package and a description', () => {
    expect(readme).toMatch(new RegExp(`^# @credence/${name}\n\n[A-Z][^#]{80,}`, 'u'));
  });
});
