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
  it('puts each package after those it depends on, also as a peer', () => {
    const packages = [
      manifest('a', { dependencies: { b: '1.2.0', zod: '^4.0.0' } }),
      manifest('b', { peerDependencies: { c: '1.2.0' } }),
      manifest('c'),
      manifest('d', { dependencies: { a: '1.2.0', c: '1.2.0' } }),
    ];
    expect(publishOrder(packages).map(({ name }) => name)).toEqual(['c', 'b', 'a', 'd']);
  });

  it('refuses packages that depend on each other', () => {
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

  it('finds no problem where every package has the same version and a changelog', () => {
    expect(versionState({ packages, pending: 0, repeated })).toEqual({ version: '1.2.0', problems: [], notes: [] });
  });

  it('finds a package of another version, and those that depend on another version', () => {
    const others = [manifest('a', { dependencies: { b: '^1.2.0' } }), manifest('b', { version: '1.3.0' })];
    expect(versionState({ packages: others, pending: 0, repeated }).problems).toEqual([
      'The packages have 2 versions: 1.2.0, 1.3.0',
      'a depends on b "^1.2.0", not "1.2.0"',
    ]);
  });

  it('finds a file that repeats another version, or none', () => {
    const stale = { 'old.ts': "version: '1.1.0'", 'none.ts': 'export {};' };
    expect(versionState({ packages, pending: 0, repeated: stale }).problems).toEqual([
      'old.ts does not say version 1.2.0',
      'none.ts does not say version 1.2.0',
    ]);
  });

  it('wants a changelog for each package, unless changesets are still to be applied', () => {
    const silent = [manifest('a'), manifest('b', { hasChangelog: false })];
    expect(versionState({ packages: silent, pending: 0, repeated }).problems).toEqual([
      'No changelog and no pending changeset: b',
    ]);
    expect(versionState({ packages: silent, pending: 2, repeated })).toMatchObject({
      problems: [],
      notes: ['Pending changesets: 2. Run "npm run release:version" before you publish.'],
    });
  });

  it('finds no problem in this repository', async () => {
    expect((await currentVersionState(ROOT)).problems).toEqual([]);
  });
});

describe('withVersion', () => {
  it('sets the version of a manifest and of the dependencies that are named, and nothing else', () => {
    const text = (version: string, zod = '1.2.0') =>
      JSON.stringify({ name: 'a', version, dependencies: { b: version, zod }, engines: { node: '1.2.0' } }, null, 2);
    expect(withVersion(text('1.2.0'), ['a', 'b'], '0.0.0')).toBe(text('0.0.0'));
  });
});

describe('the types of dist', () => {
  it('are those of every entry point that has declarations', () => {
    const exports = {
      '.': { types: './dist/index.d.ts' },
      './v2': { types: './dist/v2.d.ts' },
      './package.json': './package.json',
    };
    expect(entryDeclarations(manifest('a', { exports }))).toEqual(['./dist/index.d.ts', './dist/v2.d.ts']);
  });

  it('fail by errors in declarations of ours, not by those of dependencies', () => {
    const output = [
      "packages/core/dist/index.d.ts(3,1): error TS2304: Cannot find name 'A'.",
      "node_modules/@types/koa/index.d.ts(358,64): error TS2694: No exported member 'Options'.",
      '  more about the error above',
    ];
    expect(ownErrors(output.join('\n'))).toEqual([output[0]]);
  });
});
