import { describe, expect, it } from '@jest/globals';
import { base64url } from 'jose';
import { decodeAssertion } from './decode-assertion.ts';

const headerOf = (kid: string) => {
  const header = base64url.encode(JSON.stringify({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid }));
  return decodeAssertion(`${header}.${base64url.encode('{}')}.x`).header;
};

describe('the header of an ID-JAG', () => {
  it('is cached and frozen', () => {
    const header = headerOf('known');
    expect(headerOf('known')).toBe(header);
    expect(Object.isFrozen(header)).toBe(true);
  });

  it('is removed from the cache after 200 other headers', () => {
    const header = headerOf('old');
    for (let other = 0; other < 200; other += 1) headerOf(`other-${other}`);
    expect(headerOf('old')).not.toBe(header);
    expect(headerOf('old')).toEqual(header);
  });

  it('is not cached if it is long', () => {
    const kid = 'k'.repeat(600);
    expect(headerOf(kid)).not.toBe(headerOf(kid));
  });
});
