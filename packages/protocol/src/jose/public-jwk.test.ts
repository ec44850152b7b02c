import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { LocalKeySet } from '../keys/local-key-set.ts';
import { readConfirmation } from './confirmation.ts';
import { jwkThumbprint, publicJwkFault } from './public-jwk.ts';

const keys: Record<string, JWK> = {};

beforeAll(async () => {
  for (const alg of ['ES256', 'ES384', 'ES512', 'Ed25519', 'RS256'] as const) {
    keys[alg] = await exportJWK((await generateKeyPair(alg)).publicKey);
  }
});

const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({ format: 'jwk' });
const bytes = (count: number) => Buffer.alloc(count, 0xff).toString('base64url');
const number = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

describe('a public key', () => {
  it.each(['ES256', 'ES384', 'ES512', 'Ed25519', 'RS256'])(
    'of %s is accepted, and has the thumbprint of RFC 7638',
    async (alg) => {
      const jwk = keys[alg] ?? {};
      expect(publicJwkFault(jwk)).toBeUndefined();
      expect(jwkThumbprint({ ...jwk, kid: 'k', use: 'sig' })).toBe(await calculateJwkThumbprint(jwk));
    },
  );

  it('of RSA is accepted with 4096 bits and with a small exponent', () => {
    expect(publicJwkFault(rsa(4096))).toBeUndefined();
    expect(publicJwkFault(rsa(2048, 3))).toBeUndefined();
  });

  it.each<[string, () => unknown, string]>([
    ['RSA with 4104 bits', () => ({ kty: 'RSA', n: bytes(513), e: 'AQAB' }), '4096 bits'],
    ['RSA with 16384 bits', () => ({ kty: 'RSA', n: bytes(2048), e: 'AQAB' }), '4096 bits'],
    ['RSA with an exponent of 2048 bits', () => ({ kty: 'RSA', n: bytes(256), e: bytes(256) }), 'exponent'],
    ['RSA with an exponent of 40 bits', () => ({ kty: 'RSA', n: bytes(256), e: bytes(5) }), 'exponent'],
    ['RSA with the exponent 1', () => ({ kty: 'RSA', n: bytes(256), e: number('01') }), 'exponent'],
    ['RSA with the exponent 0', () => ({ kty: 'RSA', n: bytes(256), e: number('00') }), 'exponent'],
    ['RSA with an even exponent', () => ({ kty: 'RSA', n: bytes(256), e: number('010000') }), 'exponent'],
    ['RSA without a modulus', () => ({ kty: 'RSA', e: 'AQAB' }), 'modulus'],
    ['RSA with a list as modulus', () => ({ kty: 'RSA', n: [bytes(256)], e: 'AQAB' }), 'modulus'],
    ['RSA with a number as exponent', () => ({ kty: 'RSA', n: bytes(256), e: 65_537 }), 'exponent'],
    ['EC with an oversized coordinate', () => ({ ...keys['ES256'], x: bytes(4096) }), 'coordinate'],
    ['EC without y', () => ({ ...keys['ES256'], y: undefined }), 'coordinate'],
    ['EC with an object as x', () => ({ ...keys['ES256'], x: {} }), 'coordinate'],
    ['EC with another curve', () => ({ ...keys['ES256'], crv: 'secp256k1' }), 'not supported'],
    ['EC with a list as curve', () => ({ ...keys['ES256'], crv: ['P-256'] }), 'not supported'],
    ['OKP with X25519', () => ({ ...keys['Ed25519'], crv: 'X25519' }), 'not supported'],
    ['OKP with an oversized x', () => ({ ...keys['Ed25519'], x: bytes(64) }), 'coordinate'],
    ['a symmetric key', () => ({ kty: 'oct', k: bytes(32) }), 'not a public key'],
    ['a private key', () => ({ ...keys['ES256'], d: bytes(32) }), 'not a public key'],
    ['a private member that is null', () => ({ ...keys['RS256'], qi: null }), 'not a public key'],
    ['another type', () => ({ kty: '__proto__' }), 'not supported'],
    ['a list as type', () => ({ ...keys['RS256'], kty: ['RSA'] }), 'not supported'],
    ['a text', () => 'k', 'not an object'],
    ['null', () => null, 'not an object'],
    ['a list', () => [keys['ES256']], 'not an object'],
  ])('is refused: %s', (_name, jwk, fault) => {
    expect(publicJwkFault(jwk())).toContain(fault);
    expect(() => jwkThumbprint(jwk())).toThrow(TypeError);
  });

  it('in a key set is ignored if it is refused, and the others are used', async () => {
    const huge = { kty: 'RSA', n: bytes(2048), e: bytes(256), alg: 'RS256' };
    const set = new LocalKeySet({
      keys: [
        { ...huge, kid: 'huge' },
        { ...keys['RS256'], kid: 'usual' },
      ],
    });
    await expect(set.keysFor({ alg: 'RS256', kid: 'huge' })).resolves.toEqual([]);
    await expect(set.keysFor({ alg: 'RS256', kid: 'usual' })).resolves.toHaveLength(1);
    // Without a kid there is one candidate.
    await expect(set.keysFor({ alg: 'RS256' })).resolves.toHaveLength(1);
  });

  it('in a key set is not usable if its point is not on the curve', async () => {
    const set = new LocalKeySet({ keys: [{ ...keys['ES256'], y: keys['ES256']?.x ?? '', kid: 'k' }] });
    await expect(set.keysFor({ alg: 'ES256', kid: 'k' })).resolves.toEqual([]);
  });
});

describe('the claim cnf', () => {
  it('has the thumbprint of the key, or the key itself, or both', () => {
    const jwk = keys['ES256'] ?? {};
    const jkt = jwkThumbprint(jwk);
    for (const cnf of [{ jkt }, { jwk }, { jkt, jwk }]) expect(readConfirmation(cnf)).toEqual({ thumbprint: jkt });
  });

  it.each<[string, () => unknown, string]>([
    ['another method', () => ({ 'x5t#S256': 'x' }), 'unsupported'],
    ['another method beside the thumbprint', () => ({ jkt: 'x'.repeat(43), kid: 'k' }), 'unsupported'],
    ['nothing', () => ({}), 'unsupported'],
    ['a text', () => 'x', 'malformed'],
    ['null', () => null, 'malformed'],
    ['a list', () => [{ jkt: 'x'.repeat(43) }], 'malformed'],
    ['a thumbprint that is too short', () => ({ jkt: 'x' }), 'malformed'],
    ['a list as thumbprint', () => ({ jkt: ['x'.repeat(43)] }), 'malformed'],
    ['a private key', () => ({ jwk: { ...keys['ES256'], d: 'x' } }), 'malformed'],
    ['a key with 16384 bits', () => ({ jwk: { kty: 'RSA', n: bytes(2048), e: 'AQAB' } }), 'malformed'],
    ['a text as key', () => ({ jwk: 'x' }), 'malformed'],
    ['the thumbprint of another key', () => ({ jwk: keys['ES256'], jkt: 'x'.repeat(43) }), 'malformed'],
  ])('is refused with %s', (_name, cnf, fault) => {
    expect(readConfirmation(cnf())).toEqual({ fault });
  });
});
