import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from './command.ts';
import { installedVersion, type PackedPackage, ROOT } from './pack.ts';

/** Ours that an application installs. */
export const CONSUMED = ['@credence/core', '@credence/sdk-adapter', '@credence/langchain'] as const;

/** Named exactly, each of them: peers that are left to npm keep its resolver busy for minutes. */
const PEERS = [
  '@langchain/core',
  '@langchain/langgraph',
  '@langchain/langgraph-checkpoint',
  '@langchain/mcp-adapters',
  '@modelcontextprotocol/client',
  '@modelcontextprotocol/sdk',
  '@types/node',
  'langchain',
  'typescript',
  'zod',
];

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2023',
    lib: ['es2023', 'dom'],
    types: ['node'],
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ['consumer.ts'],
};

/** An empty project with the packed packages and their peers installed. */
export async function installConsumer(folder: string, packed: readonly PackedPackage[]): Promise<void> {
  const dependencies: Record<string, string> = {};
  for (const name of CONSUMED) {
    const found = packed.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`${name} was not packed`);
    dependencies[name] = `file:${found.tarball}`;
  }
  for (const name of PEERS) dependencies[name] = await installedVersion(name);
  const manifest = { name: 'consumer', version: '1.0.0', private: true, type: 'module', dependencies };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG, null, 2));
  await copyFile(join(ROOT, 'test/packaging/consumer/consumer.ts'), join(folder, 'consumer.ts'));
  await runOk('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'], folder);
}
