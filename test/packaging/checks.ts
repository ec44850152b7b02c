import { join } from 'node:path';
import { type Finished, run } from './command.ts';
import { ROOT } from './pack.ts';

/** Checks the manifest of a packed package with publint. */
export async function publint(tarball: string): Promise<Finished> {
  return run(process.execPath, [join(ROOT, 'node_modules/publint/src/cli.js'), 'run', tarball, '--strict'], ROOT);
}

/** Checks with arethetypeswrong that an ESM consumer can resolve the entry points of a packed package and their types. */
export async function attw(tarball: string): Promise<Finished> {
  const cli = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  const options = ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji', '--no-color', '--no-definitely-typed'];
  return run(process.execPath, [cli, tarball, ...options], ROOT);
}
