import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** The imports of each file. Files are paths below `src`. */
export type Imports = ReadonlyMap<string, readonly string[]>;

const RELATIVE_IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*'(?<path>\.{1,2}\/[^']+\.ts)'/gu;

/** The imports between the files of a folder, with type imports, re-exports and `import()`, without tests. */
export function importsIn(source: string): Imports {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(join(source, file), 'utf8'))]));
}

/** The relative imports in `text`, the source code of `file`. */
export function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(RELATIVE_IMPORT)].map(({ groups }) =>
    posix.normalize(posix.join(file, '..', groups?.['path'] ?? '')),
  );
}

/** The files of one circular import, in the order of their imports. Undefined if there is none. */
export function findCycle(imports: Imports): readonly string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    const start = path.indexOf(file);
    if (start !== -1) return path.slice(start);
    if (finished.has(file)) return undefined;
    for (const imported of imports.get(file) ?? []) {
      const cycle = visit(imported, [...path, file]);
      if (cycle) return cycle;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return undefined;
}
