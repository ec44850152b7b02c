import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../../packages/server', path), 'utf8');

describe('packages/server/README.md', () => {
  it('names everything that the package exports', () => {
    const exported = [...read('src/index.ts').matchAll(/\{(?<names>[^}]+)\}/gu)]
      .flatMap(({ groups }) => groups?.['names']?.split(',') ?? [])
      .map((name) => name.replace('type ', '').trim())
      .filter((name) => name !== '');
    const prose = read('README.md').replaceAll(/```[\s\S]*?```/gu, '');
    expect(exported).toContain('verifyIdJag');
    expect(exported.filter((name) => !new RegExp(`\\b${name}\\b`, 'u').test(prose))).toEqual([]);
  });
});
