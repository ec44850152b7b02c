import { readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { codeFrom, examplesWithoutSource, filesWithBlocks, withCode } from '../../tools/docs/code-blocks.ts';
import { entryPoints, ROOT } from '../../tools/docs/entry-points.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const pages = filesWithBlocks().filter((path) => read(path).includes('```ts') || read(path).includes('@example'));

describe.each(pages)('%s', (path) => {
  it('contains only code that is a copy of an example (`npm run docs:code` copies it)', () => {
    expect(withCode(path, read(path), codeFrom)).toBe(read(path));
  });

  it('has no @example without a copied code block', () => {
    expect(path.endsWith('.ts') ? examplesWithoutSource(read(path)) : []).toEqual([]);
  });
});

// Entry points that only packages of this repository import.
const INTERNAL = new Set([
  '@credence/protocol',
  '@credence/authorization-server/internals',
  '@credence/authorization-server/oidc-provider-internals',
]);
const forUsers = entryPoints().filter(({ specifier }) => !INTERNAL.has(specifier));

describe.each(forUsers)('$specifier', ({ folder, types }) => {
  it('has an @example for at least one of its exports', () => {
    const index = types.replace(/^dist\//u, 'src/').replace(/\.d\.ts$/u, '.ts');
    const modules = [...read(join(folder, index)).matchAll(/from '(?<path>\.[^']+)'/gu)];
    const files = modules.map(({ groups }) => normalize(join(folder, index, '..', groups?.['path'] ?? '')));
    expect(files.filter((file) => read(file).includes('@example'))).not.toEqual([]);
  });
});
