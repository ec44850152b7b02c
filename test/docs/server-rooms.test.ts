import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');
const SRC = join(ROOT, 'packages/server/src');
const ROOM = /`(?<room>[\w-]+)\/`/gu;

/** The rooms a table's row names: the one it is about, and those that one may import. */
const table = (readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8').split('## Inside server')[1] ?? '')
  .split('## ')[0]
  ?.split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => [line.split('|')[1], line.split('|').at(-2)].map((cell = '') => rooms(cell)))
  .map(([[room = ''] = [], allowed = []]) => ({ room, allowed }));

function rooms(cell: string): string[] {
  return [...cell.matchAll(ROOM)].map(({ groups }) => groups?.['room'] ?? '');
}

function imported(room: string): string[] {
  const files = readdirSync(join(SRC, room), { recursive: true, encoding: 'utf8' });
  const paths = files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...readFileSync(join(SRC, room, file), 'utf8').matchAll(/from '(?<path>\.[^']+)'/gu)].map(({ groups }) =>
        normalize(join(room, file, '..', groups?.['path'] ?? '')),
      ),
    );
  return [...new Set(paths.map((path) => path.split('/')[0] ?? ''))].filter((other) => other !== room);
}

describe('the rooms of packages/server', () => {
  it('are those of docs/architecture.md', () => {
    const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(table?.map(({ room }) => room).toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });

  it('import from the rooms that it allows, all of them further up', () => {
    for (const [at, { room, allowed }] of (table ?? []).entries()) {
      const above = table?.slice(0, at).map((row) => row.room);
      expect({ room, wrong: allowed.filter((each) => above?.includes(each) !== true) }).toEqual({ room, wrong: [] });
      expect({ room, more: imported(room).filter((each) => !allowed.includes(each)) }).toEqual({ room, more: [] });
    }
  });
});
