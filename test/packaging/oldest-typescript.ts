import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from './command.ts';
import { PROJECTS } from './project.ts';

/** The declarations of zod need 5.4. */
const OLDEST = '5.4.5';
/** The first version in which a CommonJS program can import an ES module. The declarations of LangChain need it too. */
const OLDEST_FOR_COMMONJS = '5.8.3';

/** The compilations with the oldest TypeScript that docs/versioning.md promises. */
export const OLDEST_COMPILATIONS = [
  ...PROJECTS.map(({ name }) => ({
    project: name,
    version: name === 'application' ? OLDEST_FOR_COMMONJS : OLDEST,
    options: ['-p', 'tsconfig.esm.json'],
  })),
  { project: 'application', version: OLDEST, options: ['-p', 'tsconfig.esm.json', '--skipLibCheck'] },
  // The declarations are the same, so it is enough that one compilation checks them.
  { project: 'application', version: OLDEST_FOR_COMMONJS, options: ['-p', 'tsconfig.commonjs.json', '--skipLibCheck'] },
  { project: 'testing', version: OLDEST_FOR_COMMONJS, options: ['-p', 'tsconfig.commonjs.json', '--skipLibCheck'] },
];

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
