import { internalDependencies, type Manifest } from './packages.ts';

/** The facts about the next version, read from the repository. */
export interface VersionFacts {
  readonly packages: readonly (Manifest & { readonly hasChangelog: boolean })[];
  /** The number of changesets that are not applied yet. */
  readonly pending: number;
  /** Files outside the manifests that repeat the version, with their text. */
  readonly repeated: Readonly<Record<string, string>>;
}

/** `problems` stop a release. `notes` are printed. */
export interface VersionState {
  readonly version: string;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** Finds the version in a file that repeats it. */
export const REPEATED_VERSION = /\bversion: '\d+\.\d+\.\d+[^']*'/u;

/** Checks that all packages have the same version, depend on each other at that version, and have a changelog. */
export function versionState({ packages, pending, repeated }: VersionFacts): VersionState {
  const versions = [...new Set(packages.map((each) => each.version))];
  const [version = ''] = versions;
  const problems: string[] = [];
  if (versions.length !== 1) problems.push(`The packages have ${versions.length} versions: ${versions.join(', ')}`);
  for (const each of packages) {
    for (const [name, range] of internalDependencies(each, packages)) {
      if (range !== version) problems.push(`${each.name} depends on ${name} "${range}", not "${version}"`);
    }
  }
  for (const [file, text] of Object.entries(repeated)) {
    if (REPEATED_VERSION.exec(text)?.[0] !== `version: '${version}'`)
      problems.push(`${file} does not contain version ${version}`);
  }
  const withoutChangelog = packages.filter((each) => !each.hasChangelog).map(({ name }) => name);
  if (pending === 0 && withoutChangelog.length > 0) {
    problems.push(`No changelog and no pending changeset: ${withoutChangelog.join(', ')}`);
  }
  const notes =
    pending === 0 ? [] : [`Pending changesets: ${pending}. Run "npm run release:version" before you publish.`];
  return { version, problems, notes };
}
