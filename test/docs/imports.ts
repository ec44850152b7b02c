import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** What each file imports; files by their paths below `src`. */
export type Imports = ReadonlyMap<string, readonly string[]>;

const RELATIVE_IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*'(?<path>\.{1,2}\/[^']+\.ts)'/gu;

/** The imports between the files of a folder, type imports, re-exports and `import()` included; tests are left out. */
export function importsIn(source: string): Imports {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(join(source, file), 'utf8'))]));
}

/** What the file at `file` imports by a relative path, with `text` as its source code. */
export function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(RELATIVE_IMPORT)].map(({ groups }) =>
    posix.normalize(posix.join(file, '..', groups?.['path'] ?? '')),
  );
}

/** The files of one circle, in the order in which they import each other; undefined where there is none. */
export function findCircle(imports: Imports): readonly string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    const start = path.indexOf(file);
    if (start !== -1) return path.slice(start);
    if (finished.has(file)) return undefined;
    for (const imported of imports.get(file) ?? []) {
      const circle = visit(imported, [...path, file]);
      if (circle) return circle;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = visit(file, []);
    if (circle) return circle;
  }
  return undefined;
}
