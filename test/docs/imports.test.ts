import { describe, expect, it } from '@jest/globals';
import { findCycle, type Imports, importsOf } from './imports.ts';

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
    expect(importsOf('module/file.ts', text)).toEqual([
      'a.ts',
      'module/b.ts',
      'module/c.ts',
      'module/d.ts',
      'module/e.ts',
      'module/f.ts',
    ]);
  });
});

describe('findCycle', () => {
  it('finds circular imports that start in files outside the cycle', () => {
    expect(findCycle(graph({ a: ['b', 'c'], b: ['c'], c: ['d'], d: ['e'], e: ['c'] }))).toEqual(['c', 'd', 'e']);
  });

  it('finds two files that import each other, and a file that imports itself', () => {
    expect(findCycle(graph({ a: ['b'], b: ['a'] }))).toEqual(['a', 'b']);
    expect(findCycle(graph({ a: ['a'] }))).toEqual(['a']);
  });

  it('finds no circular import if two files import the same file', () => {
    expect(findCycle(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toBeUndefined();
  });
});
