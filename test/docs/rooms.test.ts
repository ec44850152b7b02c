import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findCircle, type Imports, importsIn } from './imports.ts';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = readdirSync(join(ROOT, 'packages')).filter((name) => existsSync(join(ROOT, 'packages', name, 'src')));
const PAGE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const ROOM = /`(?<folder>[\w-]+)\/`|`(?<file>[\w-]+\.ts)`/gu;

interface Row {
  readonly room: string;
  readonly allowed: readonly string[];
}

/** The table of docs/architecture.md under "Inside NAME": each room, and the rooms that it may import. */
function table(name: string): readonly Row[] {
  const [section = ''] = (PAGE.split(`## Inside ${name}\n`)[1] ?? '').split('\n## ');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => [line.split('|')[1], line.split('|').at(-2)].map((cell = '') => roomsIn(cell)))
    .map(([[room = ''] = [], allowed = []]) => ({ room, allowed }));
}

function roomsIn(cell: string): string[] {
  return [...cell.matchAll(ROOM)].map(({ groups }) => groups?.['folder'] ?? groups?.['file'] ?? '');
}

/** The room of a file: its folder directly in `src`, or the file itself. */
function roomOf(file: string): string {
  return file.split('/')[0] ?? '';
}

/** The rooms of a package: its folders, and the files directly in `src` that another file imports (no entry points). */
function roomsOf(imports: Imports): string[] {
  const folders = [...imports.keys()].filter((file) => file.includes('/'));
  const imported = [...imports.values()].flat();
  return [...new Set([...folders, ...imported].map((file) => roomOf(file)))];
}

function importedBy(imports: Imports, room: string): string[] {
  const imported = [...imports].filter(([file]) => roomOf(file) === room).flatMap(([, files]) => files);
  return [...new Set(imported.map((file) => roomOf(file)))].filter((other) => other !== room);
}

describe.each(PACKAGES)('the rooms (folders of src) of packages/%s', (name) => {
  const imports = importsIn(join(ROOT, 'packages', name, 'src'));
  const rows = table(name);

  it('are listed in docs/architecture.md', () => {
    expect(rows.map(({ room }) => room).toSorted()).toEqual(roomsOf(imports).toSorted());
  });

  it.each(rows)(
    '$room imports only rooms that are above it in the table and that the table allows',
    ({ room, allowed }) => {
      const above = rows.slice(
        0,
        rows.findIndex((row) => row.room === room),
      );
      const notAbove = allowed.filter((each) => !above.some((row) => row.room === each));
      const notAllowed = importedBy(imports, room).filter((each) => !allowed.includes(each));
      expect({ notAbove, notAllowed }).toEqual({ notAbove: [], notAllowed: [] });
    },
  );

  it('have no files that import each other in a circle, type imports included', () => {
    expect(findCircle(imports)).toBeUndefined();
  });
});
