import { describe, expect, it } from '@jest/globals';
import { statedScopes } from './stated-scopes.ts';

describe('the scopes that a peer states', () => {
  it.each<[unknown, readonly string[] | undefined]>([
    ['b a', ['a', 'b']],
    ['  a   b  ', ['a', 'b']],
    ['a\tb\r\nc', ['a', 'b', 'c']],
    ['a a a', ['a']],
    ['a,b, c', ['a', 'b', 'c']],
    [',,a,', ['a']],
    [
      ['a', 'b c', 'a'],
      ['a', 'b', 'c'],
    ],
    [['a,b'], ['a', 'b']],
    ['', []],
    [[], []],
    ['api://app/.default https://x.example/read', ['api://app/.default', 'https://x.example/read']],
    ['a "q" b\\c d\u200be', ['a']],
    [undefined, undefined],
    [null, undefined],
    [7, undefined],
    [{ a: 1 }, undefined],
    [['a', 1], undefined],
  ])('%j are %j', (value, scopes) => {
    expect(statedScopes(value)).toEqual(scopes);
  });

  it('keep a comma in a scope that is known', () => {
    expect(statedScopes('a,b c,d', ['a,b'])).toEqual(['a,b', 'c', 'd']);
  });

  it('are bounded, and the known ones are kept', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => `s${index}`);
    const stated = statedScopes([...many, 'known'].join(' '), ['known']);
    expect(stated).toHaveLength(501);
    expect(stated).toContain('known');
  });
});
