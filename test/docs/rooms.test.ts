import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const ROOM = /`(?<room>[\w-]+)\/`/gu;

interface Row {
  readonly room: string;
  readonly allowed: readonly string[];
}

/** The table of docs/architecture.md under "Inside NAME": each room, and the rooms that it may import. */
function table(name: string): readonly Row[] {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const [section = ''] = (page.split(`## Inside ${name}\n`)[1] ?? '').split('\n## ');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => [line.split('|')[1], line.split('|').at(-2)].map((cell = '') => rooms(cell)))
    .map(([[room = ''] = [], allowed = []]) => ({ room, allowed }));
}

function rooms(cell: string): string[] {
  return [...cell.matchAll(ROOM)].map(({ groups }) => groups?.['room'] ?? '');
}

/** The rooms of a package that the files of one room import, types included. */
function imported(source: string, room: string): string[] {
  const paths = readdirSync(join(source, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...readFileSync(join(source, room, file), 'utf8').matchAll(/from '(?<path>\.[^']+)'/gu)].map(({ groups }) =>
        normalize(join(room, file, '..', groups?.['path'] ?? '')),
      ),
    );
  return [...new Set(paths.map((path) => path.split('/')[0] ?? ''))].filter((other) => other !== room);
}

describe.each(['protocol', 'resource-server', 'authorization-server', 'identity-provider'])(
  'the rooms of packages/%s',
  (name) => {
    const source = join(ROOT, 'packages', name, 'src');
    const rows = table(name);

    it('are those of docs/architecture.md', () => {
      const folders = readdirSync(source, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      expect(rows.map(({ room }) => room).toSorted()).toEqual(folders.map((folder) => folder.name).toSorted());
    });

    it.each(rows)('$room imports only rooms that the table allows and that stand above it', ({ room, allowed }) => {
      const above = rows.slice(
        0,
        rows.findIndex((row) => row.room === room),
      );
      const notAbove = allowed.filter((each) => !above.some((row) => row.room === each));
      const notAllowed = imported(source, room).filter((each) => !allowed.includes(each) && !each.endsWith('.ts'));
      expect({ notAbove, notAllowed }).toEqual({ notAbove: [], notAllowed: [] });
    });
  },
);
