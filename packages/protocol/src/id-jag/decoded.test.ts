import { describe, expect, it } from '@jest/globals';
import { base64url } from 'jose';
import { decoded } from './decoded.ts';

const headerOf = (kid: string) => {
  const header = base64url.encode(JSON.stringify({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid }));
  return decoded(`${header}.${base64url.encode('{}')}.x`).header;
};

describe('a header', () => {
  it('that was read is known again, and cannot be changed', () => {
    const header = headerOf('known');
    expect(headerOf('known')).toBe(header);
    expect(Object.isFrozen(header)).toBe(true);
  });

  it('is not kept for ever, however many strangers write their own', () => {
    const header = headerOf('old');
    for (let stranger = 0; stranger < 100; stranger += 1) headerOf(`stranger-${stranger}`);
    expect(headerOf('old')).not.toBe(header);
    expect(headerOf('old')).toEqual(header);
  });

  it('is not kept where it is long', () => {
    const kid = 'k'.repeat(600);
    expect(headerOf(kid)).not.toBe(headerOf(kid));
  });
});
