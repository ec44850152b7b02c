import { rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { run } from '../../test/packaging/command.ts';
import type { Manifest, Package } from './packages.ts';

/** The declaration files of a package's entry points, relative to its folder. */
export function entryDeclarations(manifest: Manifest): readonly string[] {
  return Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.types]));
}

/** The errors in the output of tsc that are in declarations of this repository. Errors in dependencies are ignored. */
export function ownErrors(output: string): readonly string[] {
  return output.split('\n').filter((line) => /^\S.*\berror TS\d+:/u.test(line) && !line.includes('node_modules/'));
}

/** Compiles the built declarations of every entry point with `skipLibCheck: false`. Resolves to the errors. */
export async function declarationErrors(root: string, packages: readonly Package[]): Promise<readonly string[]> {
  const files = packages.flatMap((each) =>
    entryDeclarations(each).map((file) => relative(root, join(each.folder, file))),
  );
  const compilerOptions = {
    target: 'ES2023',
    lib: ['es2023', 'dom'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  };
  const config = join(root, 'tsconfig.declarations.json');
  await writeFile(config, JSON.stringify({ compilerOptions, files }));
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { exitCode, stdout, stderr } = await run(process.execPath, [tsc, '-p', config, '--pretty', 'false'], root);
    const errors = ownErrors(stdout);
    const isCompilerResult = exitCode === 0 || stdout.includes('error TS');
    return isCompilerResult ? errors : [`tsc ended with ${exitCode}: ${stdout}${stderr}`];
  } finally {
    await rm(config);
  }
}
