import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const PACKAGES = resolve(dirname(fileURLToPath(import.meta.url)), '../../packages');

const Manifest = z.object({ name: z.string(), exports: z.record(z.string(), z.unknown()) });

/** A name that an entry point of a package exports. */
export interface ExportedName {
  /** The module name in an import: `@credence/core`, `@credence/sdk-adapter/v2`. */
  readonly entry: string;
  readonly name: string;
  /** The file that declares it, relative to the folder `packages`. */
  readonly declaredIn: string;
}

/** `export { a, type B, c as d } from 'source'`: an index file may contain only such exports. */
const EXPORT = /export\s+(?:type\s+)?\{([^}]*)\}\s*from\s*'([^']+)'\s*;/gu;
const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/gu;

/** The entry points of a package with their source files, without `./package.json`. */
export function entriesOf(folder: string): ReadonlyMap<string, string> {
  const { name, exports } = Manifest.parse(JSON.parse(readFileSync(join(PACKAGES, folder, 'package.json'), 'utf8')));
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
  return new Map(
    entries.map((entry) => {
      const file = join(folder, 'src', entry === '.' ? 'index.ts' : `${entry.slice(2)}.ts`);
      if (!existsSync(join(PACKAGES, file))) throw new Error(`${name}: ${entry} has no source file ${file}`);
      return [entry === '.' ? name : `${name}${entry.slice(1)}`, file];
    }),
  );
}

/** All names that the entry points export, with the files that declare them. */
export function exportedNames(entries: ReadonlyMap<string, string>): readonly ExportedName[] {
  return [...entries].flatMap(([entry, file]) => {
    const exported = exportsOf(file);
    const rest = sourceOf(file).replaceAll(EXPORT, '').trim();
    if (rest !== '') throw new Error(`${file} contains more than named exports: ${rest.slice(0, 80)}`);
    return [...exported].map(([name, from]) => ({ entry, name, declaredIn: declarationOf(from, file, entries) }));
  });
}

interface ExportedFrom {
  readonly name: string;
  readonly source: string;
}

function declarationOf({ name, source }: ExportedFrom, file: string, entries: ReadonlyMap<string, string>): string {
  const target = source.startsWith('.') ? join(dirname(file), source) : entries.get(source);
  if (target === undefined)
    throw new Error(`${file} exports ${name} of ${source}, which is not an entry point of this repository`);
  const reexported = exportsOf(target).get(name);
  return reexported === undefined ? target : declarationOf(reexported, target, entries);
}

/** The exports of a file from other files, by their exported name. */
function exportsOf(file: string): ReadonlyMap<string, ExportedFrom> {
  const found = new Map<string, ExportedFrom>();
  for (const [, list = '', source = ''] of sourceOf(file).matchAll(EXPORT)) {
    for (const item of list.split(',').map((each) => each.trim().replace(/^type\s+/u, ''))) {
      const [name, exportedAs = name] = item.split(/\s+as\s+/u);
      if (name !== undefined && name !== '' && exportedAs !== undefined) found.set(exportedAs, { name, source });
    }
  }
  return found;
}

function sourceOf(file: string): string {
  return readFileSync(join(PACKAGES, file), 'utf8').replaceAll(COMMENT, '');
}
