import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from './command.ts';

/** The oldest TypeScript that compiles a project, as docs/versioning.md says. The declarations of a dependency need it. */
export function oldestTypescript(project: string): string {
  // LangChain's declarations need 5.8, zod's need 5.4.
  return project === 'application' ? '5.8.3' : '5.4.5';
}

/** Installs these versions of TypeScript into one folder; returns the compiler of each. */
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
