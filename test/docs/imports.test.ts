import { describe, expect, it } from '@jest/globals';
import { findCircle, type Imports, importsOf } from './imports.ts';

const graph = (imports: Record<string, readonly string[]>): Imports => new Map(Object.entries(imports));

describe('importsOf', () => {
  it('finds imports, type imports, re-exports and import() of files of the package', () => {
    const text = [
      "import { a } from '../a.ts';",
      "import type { B } from './b.ts';",
      "import {\n  c,\n} from './c.ts';",
      "import './d.ts';",
      "export { e } from './e.ts';",
      "const f = await import('./f.ts');",
      "import { g } from '@credence/protocol';",
    ].join('\n');
    expect(importsOf('room/file.ts', text)).toEqual([
      'a.ts',
      'room/b.ts',
      'room/c.ts',
      'room/d.ts',
      'room/e.ts',
      'room/f.ts',
    ]);
  });
});

describe('findCircle', () => {
  it('finds a circle that is reached through files outside of it', () => {
    expect(findCircle(graph({ a: ['b', 'c'], b: ['c'], c: ['d'], d: ['e'], e: ['c'] }))).toEqual(['c', 'd', 'e']);
  });

  it('finds two files that import each other, and a file that imports itself', () => {
    expect(findCircle(graph({ a: ['b'], b: ['a'] }))).toEqual(['a', 'b']);
    expect(findCircle(graph({ a: ['a'] }))).toEqual(['a']);
  });

  it('finds no circle if two files import the same file', () => {
    expect(findCircle(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toBeUndefined();
  });
});
