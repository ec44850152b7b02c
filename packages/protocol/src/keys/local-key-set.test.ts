import { createSigningKeys } from '@credence/identity-provider';
import { describe, expect, it } from '@jest/globals';
import type { KeyHeader } from '../jose/protected-header.ts';
import { LocalKeySet } from './local-key-set.ts';

async function keySet() {
  const document = (await createSigningKeys({ algorithms: ['ES256'] })).publicJwks();
  return { set: new LocalKeySet(document), kid: String(document.keys[0]?.kid) };
}

/** A header as it is parsed, whatever the type of its members. */
const header = (members: Record<string, unknown>): KeyHeader => JSON.parse(JSON.stringify(members));

describe('LocalKeySet', () => {
  it('finds a key by its kid, and without a kid by the algorithm, and caches both', async () => {
    const { set, kid } = await keySet();
    for (const found of [header({ alg: 'ES256', kid }), header({ alg: 'ES256' })]) {
      expect(set.known(found)).toBeUndefined();
      const keys = await set.keysFor(found);
      expect(keys).toHaveLength(1);
      expect(set.known(found)).toBe(keys);
    }
    await expect(set.keysFor(header({ alg: 'ES256', kid: 'other' }))).resolves.toEqual([]);
    expect(set.known(header({ alg: 'ES256', kid: 'other' }))).toBeUndefined();
  });

  it.each<[string, (kid: string) => unknown]>([
    ['a number', () => 7],
    ['null', () => null],
    ['a list with the kid of a key', (kid) => [kid]],
    ['an object that cannot be made a string', () => ({ toString: 1 })],
  ])('finds and caches no key for a kid that is %s', async (_name, kidOf) => {
    const { set, kid } = await keySet();
    const forged = header({ alg: 'ES256', kid: kidOf(kid) });
    await set.keysFor(header({ alg: 'ES256', kid }));
    await expect(set.keysFor(forged)).resolves.toEqual([]);
    expect(set.known(forged)).toBeUndefined();
  });

  it('finds no key for an algorithm that is not a string', async () => {
    const { set, kid } = await keySet();
    await expect(set.keysFor(header({ alg: ['ES256'], kid }))).resolves.toEqual([]);
    expect(set.known(header({ alg: ['ES256'], kid }))).toBeUndefined();
  });
});
