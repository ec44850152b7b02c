import { describe, expect, it } from '@jest/globals';
import { checkDependencies, isAllowedLicence, type LockedPackage } from './dependencies.ts';

const faultsOf = (
  installed: LockedPackage,
  ...rest: Parameters<typeof checkDependencies> extends [unknown, ...infer R] ? R : never
) => checkDependencies({ 'node_modules/a/node_modules/@scope/b': installed }, ...rest).faults;

describe('isAllowedLicence', () => {
  it.each(['MIT', 'ISC', '0BSD', 'Apache-2.0 AND MIT', '(MIT OR CC0-1.0)', 'GPL-3.0 OR BSD-3-Clause'])(
    'accepts %s',
    (licence) => {
      expect(isAllowedLicence(licence)).toBe(true);
    },
  );

  it.each(['GPL-3.0', 'MIT AND GPL-3.0', 'UNLICENSED', 'SEE LICENSE IN LICENSE', '', '((MIT) OR GPL-3.0)'])(
    'refuses "%s"',
    (licence) => {
      expect(isAllowedLicence(licence)).toBe(false);
    },
  );
});

describe('checkDependencies', () => {
  it('reports a licence that is not allowed, with the path of the package', () => {
    expect(faultsOf({ license: 'GPL-3.0' }, [])).toEqual([
      'node_modules/a/node_modules/@scope/b: its licence is GPL-3.0',
    ]);
  });

  it('reports a package without a licence', () => {
    expect(faultsOf({}, [])).toEqual(['node_modules/a/node_modules/@scope/b: its licence is no licence']);
  });

  it('reports a production dependency that does not run on the oldest Node', () => {
    expect(faultsOf({ license: 'MIT', engines: { node: '>=22' } }, [])).toEqual([
      'node_modules/a/node_modules/@scope/b: it requires Node >=22, but the oldest supported version is 20.19.0',
    ]);
  });

  it.each<LockedPackage>([
    { license: 'MIT', engines: { node: '^20.19.0 || >=22.12.0' } },
    { license: 'MIT', engines: { node: '>=22' }, dev: true },
    { license: 'MIT' },
  ])('accepts %j', (installed) => {
    expect(faultsOf(installed, [])).toEqual([]);
  });

  it('treats every package as a development dependency with developmentOnly', () => {
    expect(faultsOf({ license: 'MIT', engines: { node: '>=22' } }, [], { developmentOnly: true })).toEqual([]);
  });

  it('accepts an exception for development dependencies, and for production only with `production`', () => {
    const exception = { name: '@scope/b', licence: 'BlueOak-1.0.0', reason: 'a tool' };
    expect(faultsOf({ license: 'BlueOak-1.0.0', dev: true }, [exception])).toEqual([]);
    expect(faultsOf({ license: 'BlueOak-1.0.0' }, [exception])).toHaveLength(1);
    expect(faultsOf({ license: 'BlueOak-1.0.0' }, [{ ...exception, production: true }])).toEqual([]);
  });

  it('does not apply an exception to another licence', () => {
    const exception = { name: '@scope/b', licence: 'BlueOak-1.0.0', reason: 'a tool' };
    expect(faultsOf({ license: 'GPL-3.0', dev: true }, [exception])).toHaveLength(1);
  });

  it('returns the exceptions that were used', () => {
    const needed = { name: 'b', licence: 'CC-BY-4.0', reason: 'data' };
    const unused = { name: 'c', licence: 'CC-BY-4.0', reason: 'data' };
    const { used } = checkDependencies({ 'node_modules/b': { license: 'CC-BY-4.0', dev: true } }, [needed, unused]);
    expect([...used]).toEqual([needed]);
  });

  it('ignores workspaces and links to workspaces', () => {
    expect(
      checkDependencies({ 'packages/core': {}, 'node_modules/@credence/core': { link: true } }, []).faults,
    ).toEqual([]);
  });
});
