import { join } from 'node:path';
import { type Finished, run } from './command.ts';
import { ROOT } from './pack.ts';

/** Whether the manifest of a packed package is right, by publint. */
export async function publint(tarball: string): Promise<Finished> {
  return run(process.execPath, [join(ROOT, 'node_modules/publint/src/cli.js'), 'run', tarball, '--strict'], ROOT);
}

/** Whether the entry points of a packed package resolve with their types for an ESM consumer, by arethetypeswrong. */
export async function attw(tarball: string): Promise<Finished> {
  const cli = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  const options = ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji', '--no-color', '--no-definitely-typed'];
  return run(process.execPath, [cli, tarball, ...options], ROOT);
}
