/** A row of the table of packages: a workspace package, and the workspace packages that it may import. */
export interface PackageRow {
  readonly folder: string;
  readonly mayImport: readonly string[];
}

/** A source file and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A package: its folder, its package.json and its source files. */
export interface PackageSource {
  /** The name of its folder under packages/. */
  readonly folder: string;
  /** The npm name: `@credence/core`. */
  readonly name: string;
  /** The npm packages in its `dependencies` and `peerDependencies`. */
  readonly declared: ReadonlySet<string>;
  /** The source files that it publishes, without tests. */
  readonly files: readonly SourceFile[];
}

const ROW = /^\| `packages\/(?<folder>[\w-]+)` .*\|(?<allowed>[^|]*)\|$/u;

/**
 * The rows of the table under "Packages" whose first column is a folder of packages/. The last column lists the
 * allowed imports. Workspace packages are listed there by the name of their folder; npm packages are ignored here.
 */
export function packageTable(page: string): PackageRow[] {
  const section = page.split('## Packages')[1]?.split('\n## ')[0] ?? '';
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

/** Splits a text into words. The name of an npm package is one word: `@langchain/core` does not contain the word `core`. */
function wordsOf(text: string): ReadonlySet<string> {
  return new Set(text.match(/[@\w/-]+/gu));
}

/** The faults of the table itself. Every package needs a row, below the rows of the packages that it imports. */
export function faultsOfTable(table: readonly PackageRow[], folders: readonly string[]): string[] {
  const listed = table.map((row) => row.folder);
  return [
    ...folders.filter((folder) => !listed.includes(folder)).map((folder) => `packages/${folder} has no row`),
    ...listed
      .filter((folder) => !folders.includes(folder))
      .map((folder) => `packages/${folder} has a row but no folder`),
    ...table.flatMap(({ folder, mayImport }, at) =>
      mayImport
        .filter((other) => !listed.slice(0, at).includes(other))
        .map((other) => `packages/${folder} may import ${other}, which is not above it in the table`),
    ),
  ].map((fault) => `docs/architecture.md, "Packages": ${fault}`);
}

// Prettier puts import and export declarations at the start of a line. Comments and strings do not start with these words.
const STATIC = /^(?:import|export)\b(?:[^;'"]*?\bfrom)?\s*'(?<specifier>[^']+)'/gmu;
const DYNAMIC = /^(?!\s*(?:\*|\/[/*])).*?\bimport\(\s*'(?<specifier>[^']+)'/gmu;

/** The modules that a file imports, type imports included. */
export function importsOf(text: string): string[] {
  const found = [STATIC, DYNAMIC].flatMap((pattern) => [...text.matchAll(pattern)]);
  return [...new Set(found.map(({ groups }) => groups?.['specifier'] ?? ''))];
}

/** The imports of a package that the table or its package.json does not allow. */
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
        ...(forbidden ? [`docs/architecture.md does not allow packages/${source.folder} to import it`] : []),
        ...(source.declared.has(name) ? [] : [`packages/${source.folder}/package.json does not list ${name}`]),
      ].map((fault) => `${path} imports ${specifier}: ${fault}`);
    }),
  );
}

/** Whether a relative import leaves the src folder: in `packages/a/src/x.ts` every import that starts with `../` does. */
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
