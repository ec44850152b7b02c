import { describe, expect, it } from '@jest/globals';
import { entryDeclarations, ownErrors } from '../../tools/release/declarations.ts';
import { type Manifest, publishOrder } from '../../tools/release/packages.ts';
import { withVersion } from '../../tools/release/rewrite.ts';
import { versionState } from '../../tools/release/version-state.ts';
import { currentVersionState } from '../../tools/release/versions.ts';
import { ROOT } from '../packaging/pack.ts';

type Released = Manifest & { hasChangelog: boolean };

function manifest(name: string, more: Partial<Released> = {}): Released {
  return {
    name,
    version: '1.2.0',
    private: false,
    dependencies: {},
    peerDependencies: {},
    exports: {},
    hasChangelog: true,
    ...more,
  };
}

describe('publishOrder', () => {
  it('puts each package after its dependencies and peer dependencies', () => {
    const packages = [
      manifest('a', { dependencies: { b: '1.2.0', zod: '^4.0.0' } }),
      manifest('b', { peerDependencies: { c: '1.2.0' } }),
      manifest('c'),
      manifest('d', { dependencies: { a: '1.2.0', c: '1.2.0' } }),
    ];
    expect(publishOrder(packages).map(({ name }) => name)).toEqual(['c', 'b', 'a', 'd']);
  });

  it('throws for packages that depend on each other', () => {
    const packages = [
      manifest('a', { dependencies: { b: '1.2.0' } }),
      manifest('b', { dependencies: { a: '1.2.0' } }),
      manifest('c'),
    ];
    expect(() => publishOrder(packages)).toThrow('These packages depend on each other: a, b');
  });
});

describe('versionState', () => {
  const packages = [manifest('a', { dependencies: { b: '1.2.0' } }), manifest('b')];
  const repeated = { 'info.ts': "export const INFO = { name: 'x', version: '1.2.0' };" };

  it('reports no problem if every package has the same version and a changelog', () => {
    expect(versionState({ packages, pending: 0, repeated })).toEqual({ version: '1.2.0', problems: [], notes: [] });
  });

  it('reports a package with another version, and a dependency on another version', () => {
    const others = [manifest('a', { dependencies: { b: '^1.2.0' } }), manifest('b', { version: '1.3.0' })];
    expect(versionState({ packages: others, pending: 0, repeated }).problems).toEqual([
      'The packages have 2 versions: 1.2.0, 1.3.0',
      'a depends on b "^1.2.0", not "1.2.0"',
    ]);
  });

  it('reports a file that contains another version or no version', () => {
    const stale = { 'old.ts': "version: '1.1.0'", 'none.ts': 'export {};' };
    expect(versionState({ packages, pending: 0, repeated: stale }).problems).toEqual([
      'old.ts does not contain version 1.2.0',
      'none.ts does not contain version 1.2.0',
    ]);
  });

  it('reports a package without a changelog, unless changesets are pending', () => {
    const withoutChangelog = [manifest('a'), manifest('b', { hasChangelog: false })];
    expect(versionState({ packages: withoutChangelog, pending: 0, repeated }).problems).toEqual([
      'No changelog and no pending changeset: b',
    ]);
    expect(versionState({ packages: withoutChangelog, pending: 2, repeated })).toMatchObject({
      problems: [],
      notes: ['Pending changesets: 2. Run "npm run release:version" before you publish.'],
    });
  });

  it('reports no problem for this repository', async () => {
    expect((await currentVersionState(ROOT)).problems).toEqual([]);
  });
});

describe('withVersion', () => {
  it('sets the version of a manifest and of the named dependencies, and changes nothing else', () => {
    const text = (version: string, zod = '1.2.0') =>
      JSON.stringify({ name: 'a', version, dependencies: { b: version, zod }, engines: { node: '1.2.0' } }, null, 2);
    expect(withVersion(text('1.2.0'), ['a', 'b'], '0.0.0')).toBe(text('0.0.0'));
  });
});

describe('entryDeclarations', () => {
  it('returns the declarations of every entry point that has some', () => {
    const exports = {
      '.': { types: './dist/index.d.ts' },
      './v2': { types: './dist/v2.d.ts' },
      './package.json': './package.json',
    };
    expect(entryDeclarations(manifest('a', { exports }))).toEqual(['./dist/index.d.ts', './dist/v2.d.ts']);
  });
});

describe('ownErrors', () => {
  it('returns errors in declarations of this repository, and ignores errors in dependencies', () => {
    const output = [
      "packages/core/dist/index.d.ts(3,1): error TS2304: Cannot find name 'A'.",
      "node_modules/@types/koa/index.d.ts(358,64): error TS2694: No exported member 'Options'.",
      '  more about the error above',
    ];
    expect(ownErrors(output.join('\n'))).toEqual([output[0]]);
  });
});
