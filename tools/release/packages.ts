import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';

const Dependencies = z.record(z.string(), z.string()).default({});

const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  private: z.boolean().default(false),
  dependencies: Dependencies,
  peerDependencies: Dependencies,
  exports: z.record(z.string(), z.union([z.string(), z.object({ types: z.string() })])),
});

/** The manifest (package.json) of one package. */
export type Manifest = z.infer<typeof Manifest>;

/** A package that this repository publishes. */
export interface Package extends Manifest {
  /** The absolute path of its folder. */
  readonly folder: string;
  readonly hasChangelog: boolean;
}

/** The packages under `packages/` that are not private. */
export async function readPackages(root: string): Promise<readonly Package[]> {
  const names = await readdir(join(root, 'packages'));
  const folders = names
    .map((name) => join(root, 'packages', name))
    .filter((each) => existsSync(join(each, 'package.json')));
  const packages = await Promise.all(
    folders.map(async (folder) => ({
      ...Manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))),
      folder,
      hasChangelog: existsSync(join(folder, 'CHANGELOG.md')),
    })),
  );
  return packages.filter((each) => !each.private);
}

/** The packages of `all` that `manifest` depends on, with the version range in its manifest. */
export function internalDependencies(manifest: Manifest, all: readonly Manifest[]): ReadonlyMap<string, string> {
  const names = new Set(all.map(({ name }) => name));
  const ranges = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies });
  return new Map(ranges.filter(([name]) => names.has(name)));
}

/** Orders packages so that each follows its dependencies. A published package can then be installed at once. */
export function publishOrder<P extends Manifest>(packages: readonly P[]): readonly P[] {
  const ordered: P[] = [];
  let rest = packages.toSorted((a, b) => a.name.localeCompare(b.name));
  while (rest.length > 0) {
    const waiting = new Set(rest.map(({ name }) => name));
    const ready = rest.filter((each) =>
      [...internalDependencies(each, packages).keys()].every((name) => !waiting.has(name)),
    );
    if (ready.length === 0) throw new Error(`These packages depend on each other: ${[...waiting].join(', ')}`);
    ordered.push(...ready);
    rest = rest.filter((each) => !ready.includes(each));
  }
  return ordered;
}
