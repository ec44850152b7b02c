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
  it('reports a licence that is not in the list, with the path of the package', () => {
    expect(faultsOf({ license: 'GPL-3.0' }, [])).toEqual([
      'node_modules/a/node_modules/@scope/b: its licence is GPL-3.0',
    ]);
  });

  it('reports a package without a licence', () => {
    expect(faultsOf({}, [])).toEqual(['node_modules/a/node_modules/@scope/b: its licence is no licence']);
  });

  it('reports a production dependency that does not run on the oldest Node', () => {
    expect(faultsOf({ license: 'MIT', engines: { node: '>=22' } }, [])).toEqual([
      'node_modules/a/node_modules/@scope/b: it needs Node >=22, and the packages run on 20.19.0',
    ]);
  });

  it.each<LockedPackage>([
    { license: 'MIT', engines: { node: '^20.19.0 || >=22.12.0' } },
    { license: 'MIT', engines: { node: '>=22' }, dev: true },
    { license: 'MIT' },
  ])('accepts %j', (installed) => {
    expect(faultsOf(installed, [])).toEqual([]);
  });

  it('counts nothing as production in the lockfile of a tool', () => {
    expect(faultsOf({ license: 'MIT', engines: { node: '>=22' } }, [], { developmentOnly: true })).toEqual([]);
  });

  it('accepts an exception in development, and in production only where it says so', () => {
    const exception = { name: '@scope/b', licence: 'BlueOak-1.0.0', reason: 'a tool' };
    expect(faultsOf({ license: 'BlueOak-1.0.0', dev: true }, [exception])).toEqual([]);
    expect(faultsOf({ license: 'BlueOak-1.0.0' }, [exception])).toHaveLength(1);
    expect(faultsOf({ license: 'BlueOak-1.0.0' }, [{ ...exception, production: true }])).toEqual([]);
  });

  it('does not stretch an exception to another licence', () => {
    const exception = { name: '@scope/b', licence: 'BlueOak-1.0.0', reason: 'a tool' };
    expect(faultsOf({ license: 'GPL-3.0', dev: true }, [exception])).toHaveLength(1);
  });

  it('says which exceptions were needed', () => {
    const needed = { name: 'b', licence: 'CC-BY-4.0', reason: 'data' };
    const idle = { name: 'c', licence: 'CC-BY-4.0', reason: 'data' };
    const { used } = checkDependencies({ 'node_modules/b': { license: 'CC-BY-4.0', dev: true } }, [needed, idle]);
    expect([...used]).toEqual([needed]);
  });

  it('passes over workspaces and links to them', () => {
    expect(
      checkDependencies({ 'packages/core': {}, 'node_modules/@credence/core': { link: true } }, []).faults,
    ).toEqual([]);
  });
});
