import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { SIGNING_ALGORITHMS } from '@credence/protocol';
import { createSigningKeys } from './signing-keys.ts';

describe('createSigningKeys', () => {
  it.each(SIGNING_ALGORITHMS)('signs with %s under a published kid', async (algorithm) => {
    const keys = await createSigningKeys({ algorithms: ['ES256', algorithm] });
    const signed = await keys.sign({ sub: 'x' }, { typ: 'JWT', algorithm });
    expect(decodeProtectedHeader(signed).alg).toBe(algorithm);
    await expect(jwtVerify(signed, createLocalJWKSet(keys.publicJwks()))).resolves.toMatchObject({
      payload: { sub: 'x' },
    });
  });

  it('signs with a new key after a rotation, and publishes the old one for the grace period', async () => {
    let now = 0;
    const keys = await createSigningKeys({ graceSeconds: 60, now: () => new Date(now) });
    const before = await keys.sign({ sub: 'x' }, { typ: 'JWT' });
    await keys.rotate();
    const after = await keys.sign({ sub: 'x' }, { typ: 'JWT' });
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid);
    now = 59_000;
    await jwtVerify(before, createLocalJWKSet(keys.publicJwks()));
    await jwtVerify(after, createLocalJWKSet(keys.publicJwks()));
    now = 60_000;
    await expect(jwtVerify(before, createLocalJWKSet(keys.publicJwks()))).rejects.toThrow('no applicable key');
    await jwtVerify(after, createLocalJWKSet(keys.publicJwks()));
  });

  it('stops publishing replaced keys at once with dropRetired', async () => {
    const keys = await createSigningKeys();
    const before = await keys.sign({ sub: 'x' }, { typ: 'JWT' });
    await keys.rotate();
    keys.dropRetired();
    await expect(jwtVerify(before, createLocalJWKSet(keys.publicJwks()))).rejects.toThrow('no applicable key');
  });

  it('uses the private keys of the option jwks', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'mine' };
    const keys = await createSigningKeys({ jwks: { keys: [jwk] } });
    expect(decodeProtectedHeader(await keys.sign({}, { typ: 'JWT' })).kid).toBe('mine');
    await expect(createSigningKeys({ jwks: { keys: [{ ...jwk, alg: 'HS256' }] } })).rejects.toThrow('alg of ES256');
    const { d: _private, ...publicOnly } = jwk;
    await expect(createSigningKeys({ jwks: { keys: [publicOnly] } })).rejects.toThrow('private key');
  });

  it.each<[string, object]>([
    ['graceSeconds is not a number', { graceSeconds: Number('unset') }],
    ['algorithms is not a list', { algorithms: 'ES256' }],
    ['algorithms is empty', { algorithms: [] }],
    ['at least one signing key', { jwks: { keys: [] } }],
  ])('refuses invalid options: %s', async (message, options) => {
    const refused = createSigningKeys(options);
    await expect(refused).rejects.toThrow(TypeError);
    await expect(refused).rejects.toThrow(`createSigningKeys: ${message}`);
  });

  it('does not show a private key when it is inspected or serialized', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), alg: 'ES256' };
    const keys = await createSigningKeys({ jwks: { keys: [jwk] } });
    const printed = `${inspect(keys, { depth: 9, showHidden: true })}${JSON.stringify(keys)}${JSON.stringify(keys.publicJwks())}`;
    expect(printed).not.toContain(jwk.d);
  });

  it('names the algorithm for which it has no key', async () => {
    const keys = await createSigningKeys();
    await expect(keys.sign({}, { typ: 'JWT', algorithm: 'RS256' })).rejects.toThrow('no signing key for RS256');
    await expect(keys.rotate('RS256')).rejects.toThrow('no signing key for RS256');
  });
});
