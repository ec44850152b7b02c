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

// Checks the imports of the packages against the table in docs/architecture.md, and the licences and engines of dependencies.
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

/** The sources that the package publishes: without tests, and without the folders that `files` excludes. */
function published(folder: string, { files = [] }: Manifest): { path: string; text: string }[] {
  const excluded = files.filter((file) => file.startsWith('!src/')).map((file) => `${file.slice('!src/'.length)}/`);
  return readdirSync(join(ROOT, 'packages', folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .filter((file) => !excluded.some((start) => file.startsWith(start)))
    .map((file) => `packages/${folder}/src/${file}`)
    .map((path) => ({ path, text: read(path) }));
}

function dependencyFaults(): string[] {
  const results = [
    check('package-lock.json'),
    ...[
      'tools/docs',
      'test/conformance/suite',
      'test/runners/suite',
      'examples/frameworks',
      'examples/frameworks/newest',
    ].map((project) => check(`${project}/package-lock.json`, { developmentOnly: true })),
  ];
  const unused = EXCEPTIONS.filter((exception) => !results.some(({ used }) => used.has(exception)));
  return [...results.flatMap(({ faults }) => faults), ...unused.map(unusedException)];
}

function check(lockfile: string, options = {}): ReturnType<typeof checkDependencies> {
  const { packages }: { packages: Record<string, LockedPackage> } = JSON.parse(read(lockfile));
  const { faults, used } = checkDependencies(packages, EXCEPTIONS, options);
  return { faults: faults.map((fault) => `${lockfile}: ${fault}`), used };
}

function unusedException({ name }: Exception): string {
  return `tools/checks/exceptions.ts: no dependency needs the exception of ${name}`;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
