import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from './command.ts';

/** The oldest TypeScript that compiles a project, as listed in docs/versioning.md. The limit comes from a dependency. */
export function oldestTypescript(project: string): string {
  // The declarations of LangChain need 5.8, those of zod need 5.4.
  return project === 'application' ? '5.8.3' : '5.4.5';
}

/** Installs these versions of TypeScript into one folder. Resolves to a function from a version to the path of its compiler. */
export async function installCompilers(
  versions: ReadonlySet<string>,
  folder: string,
): Promise<(version: string) => string> {
  const alias = (version: string) => `typescript-${version}`;
  const dependencies = Object.fromEntries(
    [...versions].map((version) => [alias(version), `npm:typescript@${version}`]),
  );
  await mkdir(folder);
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'compilers', private: true, dependencies }));
  await runOk('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
  return (version) => join(folder, 'node_modules', alias(version), 'bin/tsc');
}
