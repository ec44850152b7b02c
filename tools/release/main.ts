/**
 * Checks whether the packages can be published, and then runs `npm publish --dry-run` for each of them. It publishes nothing.
 * Run it with `npm run release`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attw, publint } from '../../test/packaging/checks.ts';
import { type Finished, runOk } from '../../test/packaging/command.ts';
import { packAll, type PackedPackage, ROOT } from '../../test/packaging/pack.ts';
import { declarationErrors } from './declarations.ts';
import { publishOrder, readPackages } from './packages.ts';
import { currentVersionState } from './versions.ts';

async function step<T>(title: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${title}: ok (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  return result;
}

function mustSucceed(what: string, { exitCode, stdout, stderr }: Finished): void {
  if (exitCode !== 0) throw new Error(`${what} ended with ${exitCode}:\n${stdout}${stderr}`);
}

function mustBeEmpty(what: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`${what}:\n${problems.join('\n')}`);
}

function packedOf(name: string, packed: readonly PackedPackage[]): PackedPackage {
  const found = packed.find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} was not packed`);
  return found;
}

async function release(workspace: string): Promise<void> {
  const state = await step('versions', async () => {
    const found = await currentVersionState(ROOT);
    mustBeEmpty('The versions are inconsistent', found.problems);
    return found;
  });
  await step('check', async () => runOk('npm', ['run', 'check', '--silent'], ROOT));
  await step('build', async () => runOk('npm', ['run', 'build', '--silent'], ROOT));
  const packages = publishOrder(await readPackages(ROOT));
  await step('types of dist', async () => mustBeEmpty('Declarations', await declarationErrors(ROOT, packages)));
  const packed = await step('pack', async () => packAll(ROOT, join(workspace, 'tarballs')));
  for (const { name } of packages) {
    const found = packedOf(name, packed);
    const { tarball } = found;
    await step(`publint ${name}`, async () => mustSucceed('publint', await publint(tarball)));
    await step(`attw ${name}`, async () => mustSucceed('attw', await attw(found)));
  }
  for (const { name } of packages) {
    const { tarball } = packedOf(name, packed);
    // Runs in a temporary folder, because npm would apply the workspace settings of this repository.
    await step(`npm publish --dry-run ${name}`, async () =>
      runOk('npm', ['publish', tarball, '--dry-run', '--access', 'public', '--ignore-scripts'], workspace),
    );
  }
  for (const note of state.notes) console.log(note);
  console.log(`${packages.length} packages of version ${state.version} are ready. Nothing was published.`);
}

const workspace = await mkdtemp(join(tmpdir(), 'credence-release-'));
try {
  await release(workspace);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(workspace, { recursive: true, force: true });
}
