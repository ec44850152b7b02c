import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { runOk } from './command.ts';

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export interface PackedPackage {
  readonly name: string;
  /** The path of the .tgz file. */
  readonly tarball: string;
  readonly files: readonly string[];
}

const PackOutput = z.array(
  z.object({ name: z.string(), filename: z.string(), files: z.array(z.object({ path: z.string() })) }),
);

const Named = z.object({ name: z.string() });
const Versioned = z.object({ version: z.string() });

/** The version of a package that is installed in this repository. */
export async function installedVersion(name: string): Promise<string> {
  const manifest = await readFile(join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return Versioned.parse(JSON.parse(manifest)).version;
}

async function packageFolders(): Promise<readonly string[]> {
  const folders = await readdir(join(ROOT, 'packages'));
  return folders.filter((folder) => existsSync(join(ROOT, 'packages', folder, 'package.json')));
}

/** The names of the packages that this repository publishes. */
export async function packageNames(): Promise<readonly string[]> {
  const names: string[] = [];
  for (const folder of await packageFolders()) {
    const manifest = await readFile(join(ROOT, 'packages', folder, 'package.json'), 'utf8');
    names.push(Named.parse(JSON.parse(manifest)).name);
  }
  return names;
}

/**
 * Builds a copy of the packages and packs each of them. It uses a copy because dist/ in the working tree can be missing,
 * outdated or being written.
 */
export async function buildAndPack(workspace: string): Promise<readonly PackedPackage[]> {
  const copy = join(workspace, 'copy');
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'packages', 'tools/build']) {
    await cp(join(ROOT, name), join(copy, name), {
      recursive: true,
      filter: (source) => !['node_modules', 'dist'].includes(basename(source)),
    });
  }
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'), 'junction');
  for (const folder of await packageFolders()) {
    const own = join(ROOT, 'packages', folder, 'node_modules');
    if (existsSync(own)) await symlink(own, join(copy, 'packages', folder, 'node_modules'), 'junction');
  }
  await runOk('npm', ['run', 'build', '--silent'], copy);
  return packAll(copy, join(workspace, 'tarballs'));
}

/** Packs the built packages under `root` into the folder `out`. */
export async function packAll(root: string, out: string): Promise<readonly PackedPackage[]> {
  await mkdir(out, { recursive: true });
  const specs = (await packageFolders()).map((folder) => `./packages/${folder}`);
  const json = await runOk('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out, ...specs], root);
  return PackOutput.parse(JSON.parse(json)).map(({ name, filename, files }) => ({
    name,
    tarball: join(out, basename(filename)),
    files: files.map((file) => file.path),
  }));
}
