import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import getReleasePlan from '@changesets/get-release-plan';
import { readPackages } from './packages.ts';
import { versionState, type VersionState } from './version-state.ts';

/** Files outside the manifests that repeat the version of the packages. */
export const REPEATING_FILES = [
  'packages/core/src/call/client-info.ts',
  'packages/sdk-adapter/src/shared/client-info.ts',
  'packages/sandbox/src/mcp/tool-server.ts',
];

/** The version state of the repository. Throws if a changeset names a package that does not exist. */
export async function currentVersionState(root: string): Promise<VersionState> {
  const { changesets } = await getReleasePlan(root);
  const texts = REPEATING_FILES.map(async (file) => [file, await readFile(join(root, file), 'utf8')] as const);
  return versionState({
    packages: await readPackages(root),
    pending: changesets.length,
    repeated: Object.fromEntries(await Promise.all(texts)),
  });
}
