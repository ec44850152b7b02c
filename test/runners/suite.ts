import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finished, run, runOk } from '../packaging/command.ts';
import { buildAndPack, ROOT } from '../packaging/pack.ts';

/** A project of its own with the test runners, and with the dependencies of the packages. */
export const SUITE = join(ROOT, 'test/runners/suite');

/** Whether the runners are installed. `npm run test:full` installs them. */
export function suiteIsInstalled(): boolean {
  return existsSync(join(SUITE, 'node_modules/vitest')) && existsSync(join(SUITE, 'node_modules/jest'));
}

/** Packs the packages of this repository, and unpacks them into the suite as if they were installed from a registry. */
export async function installPackages(workspace: string): Promise<void> {
  const scope = join(SUITE, 'node_modules/@credence');
  await rm(scope, { recursive: true, force: true });
  for (const { name, tarball } of await buildAndPack(workspace)) {
    const folder = join(SUITE, 'node_modules', name);
    await mkdir(folder, { recursive: true });
    await runOk('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder], ROOT);
  }
}

/** Runs a program of the suite in one of its folders, with these flags for Node. */
export async function runInSuite(folder: string, args: readonly string[]): Promise<Finished> {
  return run(process.execPath, args, join(SUITE, folder));
}
