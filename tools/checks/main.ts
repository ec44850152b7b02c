import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDependencies, type Exception, type LockedPackage } from './dependencies.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { faultsOfImports, faultsOfTable, type PackageSource, packageTable } from './package-imports.ts';

interface Manifest {
  readonly name: string;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const ROOT = join(import.meta.dirname, '../..');

// Holds what no compiler holds: the table of packages against their imports, and dependencies against our terms.
const faults = [...importFaults(), ...dependencyFaults()];
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;

function importFaults(): string[] {
  const packages = packageSources();
  const table = packageTable(read('docs/architecture.md'));
  const ours = new Map(packages.map(({ name, folder }) => [name, folder]));
  return [
    ...faultsOfTable(
      table,
      packages.map(({ folder }) => folder),
    ),
    ...packages.flatMap((source) => faultsOfImports(source, table, ours)),
  ];
}

function packageSources(): PackageSource[] {
  return readdirSync(join(ROOT, 'packages'))
    .filter((folder) => existsSync(join(ROOT, 'packages', folder, 'package.json')))
    .map((folder) => {
      const manifest: Manifest = JSON.parse(read(`packages/${folder}/package.json`));
      const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
      return {
        folder,
        name: manifest.name,
        declared: new Set(Object.keys(declared)),
        files: published(folder, manifest),
      };
    });
}

/** The sources in a tarball of the package: no tests, and nothing of what `files` leaves out. */
function published(folder: string, { files = [] }: Manifest): { path: string; text: string }[] {
  const leftOut = files.filter((file) => file.startsWith('!src/')).map((file) => `${file.slice('!src/'.length)}/`);
  return readdirSync(join(ROOT, 'packages', folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => !leftOut.some((start) => file.startsWith(start)))
    .map((file) => `packages/${folder}/src/${file}`)
    .map((path) => ({ path, text: read(path) }));
}

function dependencyFaults(): string[] {
  const found = [
    check('package-lock.json'),
    ...['tools/docs', 'test/conformance/suite'].map((project) =>
      check(`${project}/package-lock.json`, { developmentOnly: true }),
    ),
  ];
  const idle = EXCEPTIONS.filter((exception) => !found.some(({ used }) => used.has(exception)));
  return [...found.flatMap(({ faults }) => faults), ...idle.map(unneeded)];
}

function check(lockfile: string, options = {}): ReturnType<typeof checkDependencies> {
  const { packages }: { packages: Record<string, LockedPackage> } = JSON.parse(read(lockfile));
  const { faults, used } = checkDependencies(packages, EXCEPTIONS, options);
  return { faults: faults.map((fault) => `${lockfile}: ${fault}`), used };
}

function unneeded({ name }: Exception): string {
  return `tools/checks/exceptions.ts: no dependency needs the exception of ${name}`;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
