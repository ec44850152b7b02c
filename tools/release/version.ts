/**
 * Applies the pending changesets: sets the next version in all files and writes the changelogs. Run it with
 * `npm run release:version` and commit the changes.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../../test/packaging/command.ts';
import { ROOT } from '../../test/packaging/pack.ts';
import { readPackages } from './packages.ts';
import { withVersion } from './rewrite.ts';
import { REPEATED_VERSION } from './version-state.ts';
import { currentVersionState, REPEATING_FILES } from './versions.ts';

async function rewrite(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, 'utf8')));
}

const packages = await readPackages(ROOT);
if (packages.every((each) => !each.hasChangelog)) {
  // Before the first release the manifests already contain its version. Changesets computes it from 0.0.0.
  const names = packages.map(({ name }) => name);
  for (const { folder } of packages) {
    await rewrite(join(folder, 'package.json'), (text) => withVersion(text, names, '0.0.0'));
  }
}
await runOk('npx', ['changeset', 'version'], ROOT);
const [first] = await readPackages(ROOT);
if (first === undefined) throw new Error('There are no packages');
for (const file of REPEATING_FILES) {
  await rewrite(join(ROOT, file), (text) => text.replace(REPEATED_VERSION, `version: '${first.version}'`));
}
await runOk('npx', ['prettier', '--write', 'packages/*/CHANGELOG.md', 'packages/*/package.json', '.changeset'], ROOT);
const lockfile = ['install', '--package-lock-only', '--ignore-scripts', '--omit-lockfile-registry-resolved'];
await runOk('npm', [...lockfile, '--no-audit', '--no-fund'], ROOT);

const { version, problems } = await currentVersionState(ROOT);
console.log(`The version is now ${version}. Read the changelogs, then commit.`);
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}
