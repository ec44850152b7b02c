import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, exportJWK, generateKeyPair } from 'jose';
import { protectedHeader } from './protected-header.ts';

const encoded = (json: string) => `${Buffer.from(json).toString('base64url')}.e30.c2ln`;
const good = { alg: 'ES256', typ: 'at+jwt', kid: 'k' };
const withMember = (member: string, value: unknown) => JSON.stringify({ ...good, [member]: value });

describe('the protected header of a JWS', () => {
  it('is returned with the members that are used', () => {
    expect(protectedHeader(encoded(JSON.stringify({ ...good, x5c: ['a certificate'], iss: 1 })))).toEqual(good);
    expect(protectedHeader(encoded('{"alg":"ES256","jwk":{"kty":"EC"}}'))).toEqual({
      alg: 'ES256',
      jwk: { kty: 'EC' },
    });
  });

  it.each(['alg', 'typ', 'cty', 'kid', 'jku', 'x5u', 'x5t', 'x5t#S256'])('must have a string as %s', (member) => {
    for (const value of [['k'], [['k']], { k: 1 }, 7, null, true, { toString: 1 }]) {
      expect(() => protectedHeader(encoded(withMember(member, value)))).toThrow(`${member} is not a string`);
    }
    expect(() => protectedHeader(encoded(withMember(member, 'x'.repeat(3000))))).toThrow(`${member} is too long`);
    expect(() => protectedHeader(encoded(withMember(member, 'x'.repeat(1024 * 1024))))).toThrow('too large');
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])('may have the kid "%s"', (kid) => {
    expect(protectedHeader(encoded(JSON.stringify({ ...good, kid })))).toEqual({ ...good, kid });
  });

  it.each<[string, string, string]>([
    ['a repeated kid', '{"alg":"ES256","kid":"a","kid":"b"}', 'repeated'],
    ['a kid that is repeated in another spelling', String.raw`{"alg":"ES256","kid":"a","\u006bid":"b"}`, 'repeated'],
    ['a repeated alg', '{"alg":"none","alg":"ES256"}', 'repeated'],
    ['crit', '{"alg":"ES256","crit":["exp"],"exp":1}', 'critical'],
    ['crit that is not a list', '{"alg":"ES256","crit":"exp"}', 'critical'],
    ['b64', '{"alg":"ES256","b64":false}', 'critical'],
    ['no alg', '{"kid":"k"}', 'alg is missing'],
    ['the alg in the prototype', '{"__proto__":{"alg":"ES256"}}', 'alg is missing'],
    ['a jwk that is a list', '{"alg":"ES256","jwk":[{"kty":"EC"}]}', 'jwk is not an object'],
    ['a jwk that is a text', '{"alg":"ES256","jwk":"k"}', 'jwk is not an object'],
    ['a jwk that is null', '{"alg":"ES256","jwk":null}', 'jwk is not an object'],
    ['a list', '[]', 'cannot be read'],
    ['a text that is not JSON', '{"alg":', 'cannot be read'],
    ['an invalid character', '{"alg":"ES256","kid":"\ud800"}', 'surrogate'],
  ])('is refused with %s', (_name, json, message) => {
    const text = message === 'surrogate' ? String.raw`{"alg":"ES256","kid":"\ud800"}` : json;
    expect(() => protectedHeader(encoded(text))).toThrow(message);
  });

  it('is refused if there is none', () => {
    for (const jws of ['', '.', 'no dot', '..']) expect(() => protectedHeader(jws)).toThrow('cannot be read');
  });

  it('is quoted nowhere in the error', () => {
    for (const json of ['{"alg":"secret-text', '{"alg":"ES256","kid":["secret-text"]}']) {
      expect(() => protectedHeader(encoded(json))).toThrow(/^(?!.*secret-text)/u);
    }
  });
});

describe('the installed jose', () => {
  it('is the oldest version that the packages allow', () => {
    const { version } = createRequire(import.meta.url)('jose/package.json') as { version: string };
    const packages = join(import.meta.dirname, '../../..');
    const ranges = readdirSync(packages).flatMap((name) => {
      const manifest = JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')) as {
        dependencies?: { jose?: string };
      };
      return manifest.dependencies?.jose ?? [];
    });
    expect(ranges.length).toBeGreaterThan(3);
    expect(new Set(ranges)).toEqual(new Set([`^${version}`]));
  });

  it('finds and keeps no key for a kid that is not a string', async () => {
    const jwk = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid: 'k', alg: 'ES256' };
    const keys = createLocalJWKSet({ keys: [jwk] });
    for (const kid of [['k'], { k: 1 }, 7, null]) {
      await expect(keys({ alg: 'ES256', kid } as never)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
    }
    await expect(keys({ alg: 'ES256', kid: 'k' })).resolves.toBeDefined();
  });
});
