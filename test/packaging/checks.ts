import { join } from 'node:path';
import { type Finished, run } from './command.ts';
import { type PackedPackage, ROOT } from './pack.ts';

/** Checks the manifest of a packed package with publint. */
export async function publint(tarball: string): Promise<Finished> {
  return run(process.execPath, [join(ROOT, 'node_modules/publint/src/cli.js'), 'run', tarball, '--strict'], ROOT);
}

/**
 * Checks with arethetypeswrong that an ESM consumer can resolve the entry points of a packed package and their types. With declarations
 * for CommonJS, `require` finds a `.d.cts` file of an ES module on purpose (tools/build/commonjs-types.ts).
 */
export async function attw({ tarball, files }: PackedPackage): Promise<Finished> {
  const cli = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  const options = ['--profile', 'esm-only', '--format', 'ascii', '--no-emoji', '--no-color', '--no-definitely-typed'];
  if (files.some((file) => file.endsWith('.d.cts'))) options.push('--ignore-rules', 'false-cjs');
  return run(process.execPath, [cli, tarball, ...options], ROOT);
}
