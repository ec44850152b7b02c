import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The root of the repository. */
export const ROOT = join(import.meta.dirname, '../..');

/** A module that users of a package can import. */
export interface EntryPoint {
  /** The folder of its package: `packages/core`. */
  readonly folder: string;
  /** The module name in an import: `@credence/core/opentelemetry`. */
  readonly specifier: string;
  /** The path of its declarations in the package after a build: `dist/opentelemetry.d.ts`. */
  readonly types: string;
  /** Its name in a file name: `core.opentelemetry`. */
  readonly name: string;
}

/** The part of a package.json that describes its entry points. */
export interface Manifest {
  readonly name: string;
  readonly exports?: Record<string, unknown>;
}

/** The entries of `exports` in a package.json that have `types`. */
export function entryPointsOf(folder: string, manifest: Manifest): EntryPoint[] {
  return Object.entries(manifest.exports ?? {}).flatMap(([path, target]) => {
    if (typeof target !== 'object' || target === null || !('types' in target)) return [];
    if (typeof target.types !== 'string') throw new Error(`${folder}: "types" of "${path}" is not a path`);
    const parts = [folder.split('/').at(-1), ...path.split('/').slice(1)];
    return {
      folder,
      specifier: path === '.' ? manifest.name : `${manifest.name}/${path.slice(2)}`,
      types: target.types.replace(/^\.\//u, ''),
      name: parts.join('.'),
    };
  });
}

/** The entry points of all packages, sorted by package. */
export function entryPoints(): EntryPoint[] {
  return readdirSync(join(ROOT, 'packages'))
    .toSorted()
    .map((name) => `packages/${name}`)
    .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
    .flatMap((folder) => {
      const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
      return entryPointsOf(folder, manifest);
    });
}
