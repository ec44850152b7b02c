import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findCycle, type Imports, importsIn } from './imports.ts';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = readdirSync(join(ROOT, 'packages')).filter((name) => existsSync(join(ROOT, 'packages', name, 'src')));
const PAGE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const MODULE = /`(?<folder>[\w-]+)\/`|`(?<file>[\w-]+\.ts)`/gu;

interface Row {
  readonly module: string;
  readonly allowed: readonly string[];
}

/** The table of docs/architecture.md under "Inside NAME": each module, and the modules that it may import. */
function table(name: string): readonly Row[] {
  const [section = ''] = (PAGE.split(`## Inside ${name}\n`)[1] ?? '').split('\n## ');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => [line.split('|')[1], line.split('|').at(-2)].map((cell = '') => modulesIn(cell)))
    .map(([[module = ''] = [], allowed = []]) => ({ module, allowed }));
}

function modulesIn(cell: string): string[] {
  return [...cell.matchAll(MODULE)].map(({ groups }) => groups?.['folder'] ?? groups?.['file'] ?? '');
}

/** The module of a file: its folder directly in `src`, or the file itself. */
function moduleOf(file: string): string {
  return file.split('/')[0] ?? '';
}

/** The modules of a package: its folders, and the files directly in `src` that another file imports (no entry points). */
function modulesOf(imports: Imports): string[] {
  const folders = [...imports.keys()].filter((file) => file.includes('/'));
  const imported = [...imports.values()].flat();
  return [...new Set([...folders, ...imported].map((file) => moduleOf(file)))];
}

function importedBy(imports: Imports, module: string): string[] {
  const imported = [...imports].filter(([file]) => moduleOf(file) === module).flatMap(([, files]) => files);
  return [...new Set(imported.map((file) => moduleOf(file)))].filter((other) => other !== module);
}

describe.each(PACKAGES)('the modules of packages/%s', (name) => {
  const imports = importsIn(join(ROOT, 'packages', name, 'src'));
  const rows = table(name);

  it('are listed in docs/architecture.md', () => {
    expect(rows.map(({ module }) => module).toSorted()).toEqual(modulesOf(imports).toSorted());
  });

  it.each(rows)(
    '$module imports only modules that are above it in the table and that the table allows',
    ({ module, allowed }) => {
      const above = rows.slice(
        0,
        rows.findIndex((row) => row.module === module),
      );
      const notAbove = allowed.filter((each) => !above.some((row) => row.module === each));
      const notAllowed = importedBy(imports, module).filter((each) => !allowed.includes(each));
      expect({ notAbove, notAllowed }).toEqual({ notAbove: [], notAllowed: [] });
    },
  );

  it('have no circular imports, type-only imports included', () => {
    expect(findCycle(imports)).toBeUndefined();
  });
});
