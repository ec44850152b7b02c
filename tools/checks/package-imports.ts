/** A row of the table of packages: a package, and those of ours that it may import. */
export interface PackageRow {
  readonly folder: string;
  readonly mayImport: readonly string[];
}

/** A source file and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A package as its folder and its package.json describe it. */
export interface PackageSource {
  /** The name of its folder under packages/. */
  readonly folder: string;
  /** The name it is published by. */
  readonly name: string;
  /** Every npm package of its dependencies and peerDependencies. */
  readonly declared: ReadonlySet<string>;
  /** What it publishes: no tests. */
  readonly files: readonly SourceFile[];
}

const ROW = /^\| `packages\/(?<folder>[\w-]+)` .*\|(?<allowed>[^|]*)\|$/u;

/**
 * The rows of the table under "Rooms and arrows" whose first column is a folder of packages/. The last column lists what
 * the package may import: our packages by the name of their folder, beside npm packages, which are not read here.
 */
export function packageTable(page: string): PackageRow[] {
  const section = page.split('## Rooms and arrows')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').flatMap((line) => {
    const { folder, allowed } = ROW.exec(line)?.groups ?? {};
    return folder === undefined ? [] : [{ folder, words: wordsOf(allowed ?? '') }];
  });
  const folders = rows.map(({ folder }) => folder);
  return rows.map(({ folder, words }) => ({
    folder,
    mayImport: folders.filter((other) => other !== folder && words.has(other)),
  }));
}

/** Words and whole names of packages: "core's" has `core`, and `@langchain/core` is one word. */
function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/[@\w/-]+/gu));
}

/** What is wrong with the table itself: it must list each package once, below those that it imports. */
export function faultsOfTable(table: readonly PackageRow[], folders: readonly string[]): string[] {
  const listed = table.map((row) => row.folder);
  return [
    ...folders.filter((folder) => !listed.includes(folder)).map((folder) => `packages/${folder} has no row`),
    ...listed
      .filter((folder) => !folders.includes(folder))
      .map((folder) => `packages/${folder} has a row and no folder`),
    ...table.flatMap(({ folder, mayImport }, at) =>
      mayImport
        .filter((other) => !listed.slice(0, at).includes(other))
        .map((other) => `packages/${folder} may import ${other}, which does not stand above it`),
    ),
  ].map((fault) => `docs/architecture.md, "Rooms and arrows": ${fault}`);
}

// Prettier keeps import and export declarations at the start of a line, where no comment or string begins with them.
const STATIC = /^(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*'(?<specifier>[^']+)'/gmu;
const DYNAMIC = /^(?!\s*(?:\*|\/[/*])).*?\bimport\(\s*'(?<specifier>[^']+)'/gmu;

/** Every module that a file imports, types included. */
export function importsOf(text: string): string[] {
  const found = [STATIC, DYNAMIC].flatMap((pattern) => [...text.matchAll(pattern)]);
  return [...new Set(found.map(({ groups }) => groups?.['specifier'] ?? ''))];
}

/** What is wrong with the imports of a package, against the table and against its package.json. */
export function faultsOfImports(
  source: PackageSource,
  table: readonly PackageRow[],
  ours: ReadonlyMap<string, string>,
): string[] {
  const allowed = table.find((row) => row.folder === source.folder)?.mayImport ?? [];
  return source.files.flatMap(({ path, text }) =>
    importsOf(text).flatMap((specifier) => {
      if (leavesPackage(path, specifier)) return [`${path} imports ${specifier}, which is outside its package`];
      if (specifier.startsWith('.') || specifier.startsWith('node:')) return [];
      const name = packageOf(specifier);
      const folder = ours.get(name);
      if (name === source.name) return [];
      const forbidden = folder !== undefined && !allowed.includes(folder);
      return [
        ...(forbidden ? [`docs/architecture.md does not let packages/${source.folder} import it`] : []),
        ...(source.declared.has(name) ? [] : [`packages/${source.folder}/package.json does not list ${name}`]),
      ].map((fault) => `${path} imports ${specifier}: ${fault}`);
    }),
  );
}

/** True for a relative import that climbs above the src folder: `packages/a/src/x.ts` may climb no step. */
function leavesPackage(path: string, specifier: string): boolean {
  const depth = path.split('/src/')[1]?.split('/').length ?? 1;
  const steps = specifier.split('/').filter((part) => part === '..').length;
  return specifier.startsWith('.') && steps >= depth;
}

/** `@scope/name` of `@scope/name/entry`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
