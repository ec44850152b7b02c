import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { entriesOf, exportedNames } from './exported-names.ts';
import { ROOT } from './pack.ts';

const ENTRIES = new Map(readdirSync(join(ROOT, 'packages')).flatMap((folder) => [...entriesOf(folder)]));
const EXPORTED = exportedNames(ENTRIES);

/** `@credence/sdk-adapter/v2` exports the same names for SDK v2 as `@credence/sdk-adapter` for SDK v1. */
const SAME_NAMES_ON_PURPOSE = '@credence/sdk-adapter/v2';

/** Names that must not be exported: they are internal, or another name has replaced them. */
const HIDDEN: Readonly<Record<string, readonly string[]>> = {
  '@credence/core': ['cleanText', 'CredenceErrorInit', 'Rotating', 'Operation'],
};

describe('the exported names of all packages', () => {
  it('are read from every entry point, also through packages that re-export them', () => {
    const fetchLike = EXPORTED.filter(({ name }) => name === 'FetchLike');
    expect(fetchLike.map(({ entry }) => entry)).toEqual(
      expect.arrayContaining(['@credence/core', '@credence/protocol', '@credence/resource-server']),
    );
    expect(new Set(fetchLike.map(({ declaredIn }) => declaredIn))).toEqual(new Set(['protocol/src/net/fetch-like.ts']));
    for (const entry of ENTRIES.keys()) expect(EXPORTED.some((exported) => exported.entry === entry)).toBe(true);
  });

  it('have one declaration each', () => {
    const declarations = new Map<string, Set<string>>();
    for (const { entry, name, declaredIn } of EXPORTED) {
      if (entry === SAME_NAMES_ON_PURPOSE) continue;
      declarations.set(name, (declarations.get(name) ?? new Set()).add(declaredIn));
    }
    const declaredTwice = [...declarations].filter(([, files]) => files.size > 1);
    expect(Object.fromEntries(declaredTwice.map(([name, files]) => [name, [...files]]))).toEqual({});
  });

  it.each(Object.entries(HIDDEN))('of %s contain no internal name', (entry, names) => {
    const exported = EXPORTED.filter((each) => each.entry === entry).map(({ name }) => name);
    expect(exported.filter((name) => names.includes(name))).toEqual([]);
  });
});
