import { describe, expect, it } from '@jest/globals';
import { faultsOfImports, faultsOfTable, importsOf, type PackageRow, packageTable } from './package-imports.ts';

const PAGE = `# Architecture

## Packages

| folder             | what lives there | may import                                |
| ------------------ | ---------------- | ----------------------------------------- |
| \`packages/core\`  | the core         | jose                                      |
| \`packages/store\` | a store          | core's errors; redis                      |
| \`packages/agent\` | an agent         | @langchain/core, store                    |
| \`examples\`       | examples         | core                                      |

## Inside core

| \`packages/other\` | in another table | core |
`;

describe('packageTable', () => {
  it('reads the packages of the table "Packages", and the packages that each may import', () => {
    expect(packageTable(PAGE)).toEqual([
      { folder: 'core', mayImport: [] },
      { folder: 'store', mayImport: ['core'] },
      { folder: 'agent', mayImport: ['store'] },
    ]);
  });
});

describe('faultsOfTable', () => {
  const table = packageTable(PAGE);
  const where = 'docs/architecture.md, "Packages": ';

  it('reports no fault for a table that lists each package below the packages that it imports', () => {
    expect(faultsOfTable(table, ['agent', 'core', 'store'])).toEqual([]);
  });

  it('reports a package without a row and a row without a package', () => {
    expect(faultsOfTable(table, ['agent', 'core', 'cli'])).toEqual([
      `${where}packages/cli has no row`,
      `${where}packages/store has a row but no folder`,
    ]);
  });

  it('reports a package that may import a package below it', () => {
    const upward: PackageRow[] = [
      { folder: 'core', mayImport: ['store'] },
      { folder: 'store', mayImport: [] },
    ];
    expect(faultsOfTable(upward, ['core', 'store'])).toEqual([
      `${where}packages/core may import store, which is not above it in the table`,
    ]);
  });
});

describe('importsOf', () => {
  it.each([
    ["import { a } from 'a';", 'a'],
    ["import type { A } from '@scope/a/entry';", '@scope/a/entry'],
    ["import {\n  a,\n  type B,\n} from './b.ts';", './b.ts'],
    ["import 'side-effect';", 'side-effect'],
    ["export { a } from 'exported';", 'exported'],
    ["export * from 'all';", 'all'],
    ["  const { a } = await import('dynamic');", 'dynamic'],
    ["  readonly a: import('in-type').A;", 'in-type'],
  ])('finds the module in %j', (text, specifier) => {
    expect(importsOf(text)).toEqual([specifier]);
  });

  it.each([
    "/**\n * import { a } from 'a';\n */",
    "// import { a } from 'a';",
    " * await import('a');",
    "export const text = 'a';",
    "export function from(text: string) {\n  return text === 'a';\n}",
  ])('finds no module in %j', (text) => {
    expect(importsOf(text)).toEqual([]);
  });
});

describe('faultsOfImports', () => {
  const table = packageTable(PAGE);
  const ours = new Map([
    ['@ours/core', 'core'],
    ['@ours/store', 'store'],
    ['@ours/agent', 'agent'],
    ['@ours/other', 'other'],
  ]);
  const faultsIn = (text: string) =>
    faultsOfImports(
      {
        folder: 'store',
        name: '@ours/store',
        declared: new Set(['@ours/core', '@ours/agent', 'redis']),
        files: [{ path: 'packages/store/src/inner/file.ts', text }],
      },
      table,
      ours,
    );

  it.each([
    "import { a } from '@ours/core';",
    "import { a } from '@ours/core/entry';",
    "import { a } from 'redis';",
    "import { a } from 'node:fs';",
    "import { a } from '../other/file.ts';",
  ])('accepts %s', (text) => {
    expect(faultsIn(text)).toEqual([]);
  });

  it('reports an import of a workspace package that the table does not allow, also if package.json lists it', () => {
    expect(faultsIn("import type { A } from '@ours/agent';")).toEqual([
      'packages/store/src/inner/file.ts imports @ours/agent: docs/architecture.md does not allow packages/store to import it',
    ]);
  });

  it('reports an import of an npm package that package.json does not list', () => {
    expect(faultsIn("import type { A } from 'jose/jwt';")).toEqual([
      'packages/store/src/inner/file.ts imports jose/jwt: packages/store/package.json does not list jose',
    ]);
  });

  it('reports an import of a workspace package that is neither allowed nor listed, with both faults', () => {
    expect(faultsIn("import { a } from '@ours/other';")).toEqual([
      'packages/store/src/inner/file.ts imports @ours/other: docs/architecture.md does not allow packages/store to import it',
      'packages/store/src/inner/file.ts imports @ours/other: packages/store/package.json does not list @ours/other',
    ]);
  });

  it('reports an import of a path outside the package', () => {
    expect(faultsIn("import { a } from '../../../core/src/index.ts';")).toEqual([
      'packages/store/src/inner/file.ts imports ../../../core/src/index.ts, which is outside its package',
    ]);
  });
});
