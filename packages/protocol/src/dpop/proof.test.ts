import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import { checkDpopOptions } from './check-options.ts';
import { dpopNonces } from './nonces.ts';
import { type DpopOptions, ProofReplayUnknownError, markDpopProofUsed, verifyDpopProof } from './proof.ts';

const NOW = new Date('2026-11-20T12:00:00Z');
const NOW_S = NOW.getTime() / 1000;
const URL_ = 'https://mcp.example/mcp';
const TOKEN = 'an-access-token';

let key: { privateKey: CryptoKey; publicKey: CryptoKey };
let jwk: JWK;

beforeAll(async () => {
  key = await generateKeyPair('ES256', { extractable: true });
  jwk = await exportJWK(key.publicKey);
});

const ath = createHash('sha256').update(TOKEN).digest('base64url');

async function proof(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
  const good = { jti: 'j', htm: 'POST', htu: URL_, iat: NOW_S, ath };
  const all = Object.fromEntries(Object.entries({ ...good, ...claims }).filter(([, value]) => value !== undefined));
  const headers = { alg: 'ES256', typ: 'dpop+jwt', jwk, ...header };
  return new SignJWT(all).setProtectedHeader(headers).sign(key.privateKey);
}

const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);

const verify = (text: string, options: DpopOptions = {}, accessToken: string | undefined = TOKEN) =>
  verifyDpopProof(text, { method: 'POST', url: `${URL_}?a=1`, accessToken, now: NOW }, options);

describe('a DPoP proof', () => {
  it('that is valid yields the thumbprint of its key', async () => {
    await expect(verify(await proof())).resolves.toEqual({
      thumbprint: await calculateJwkThumbprint(jwk),
      jti: 'j',
      reusableUntil: new Date((NOW_S + 66) * 1000),
    });
    await expect(verify(await proof({ htu: `${URL_}?b=2#c` }))).resolves.toMatchObject({ jti: 'j' });
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['for another method', { htm: 'GET' }, {}],
    ['for another path', { htu: `${URL_}/x` }, {}],
    ['for another origin', { htu: 'https://other.example/mcp' }, {}],
    ['for another access token', { ath: createHash('sha256').update('x').digest('base64url') }, {}],
    ['for no access token', { ath: undefined }, {}],
    ['with an iat 61 seconds in the past', { iat: NOW_S - 61 }, {}],
    ['with an iat 61 seconds in the future', { iat: NOW_S + 61 }, {}],
    ['that has expired', { exp: NOW_S - 1 }, {}],
    ['without jti', { jti: undefined }, {}],
    ['without iat', { iat: undefined }, {}],
    ['with an empty jti', { jti: '' }, {}],
    ['with another typ header', {}, { typ: 'JWT' }],
    ['without a key', {}, { jwk: undefined }],
  ])('%s is refused', async (_name, claims, header) => {
    await expect(verify(await proof(claims, header))).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
  });

  it('for another URL is refused with the expected URL in the message', async () => {
    await expect(verify(await proof({ htu: 'https://mcp.example/issues/mcp' }))).rejects.toThrow(
      'the DPoP proof is for another URL than https://mcp.example/mcp',
    );
  });

  it('with a private key, another key, an algorithm that is not accepted, or too many characters is refused', async () => {
    const other = await exportJWK((await generateKeyPair('ES256')).publicKey);
    const privateJwk = await exportJWK(key.privateKey);
    for (const header of [{ jwk: other }, { jwk: privateJwk }]) {
      await expect(verify(await proof({}, header))).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
    }
    await expect(verify(await proof(), { algorithms: ['EdDSA'] })).rejects.toThrow('malformed');
    await expect(verify(`${await proof()}, ${await proof()}`)).rejects.toThrow('malformed');
    await expect(verify(await proof({ padding: 'x'.repeat(9000) }))).rejects.toThrow('too large');
  });

  it('with a symmetric algorithm or with the algorithm none is refused', async () => {
    const claims = { jti: 'j', htm: 'POST', htu: URL_, iat: NOW_S, ath };
    const secret = new TextEncoder().encode('a secret of at least thirty-two bytes');
    const header = { typ: 'dpop+jwt', jwk: { kty: 'oct', k: Buffer.from(secret).toString('base64url') } };
    const symmetric = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...header }).sign(secret);
    const [, payload = ''] = (await proof()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk })).toString('base64url');
    for (const each of [symmetric, `${none}.${payload}.`]) {
      await expect(verify(each)).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
    }
  });

  it('at a token endpoint is refused if it is for an access token', async () => {
    const at = { method: 'POST', url: URL_, now: NOW };
    await expect(verifyDpopProof(await proof({ ath: undefined }), at, {})).resolves.toMatchObject({ jti: 'j' });
    await expect(verifyDpopProof(await proof(), at, {})).rejects.toThrow('not for this access token');
  });

  it('is accepted once', async () => {
    const replay = memoryReplayStore({ now: () => NOW });
    const verified = await verify(await proof());
    await markDpopProofUsed(verified, replay, 'c');
    await expect(markDpopProofUsed(verified, replay, 'c')).rejects.toMatchObject({ error: 'invalid_dpop_proof' });
  });

  it('causes a ProofReplayUnknownError without the message of the replay store when the store fails', async () => {
    const verified = await verify(await proof());
    const broken = { reserve: () => Promise.reject(new TypeError('redis://:secret@host')) };
    const failure: unknown = await markDpopProofUsed(verified, broken, 'c').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProofReplayUnknownError);
    expect(failure).toMatchObject({ detail: 'TypeError' });
    expect(JSON.stringify(failure)).not.toContain('secret');
  });

  it('is counted for its client and not for its key, so that one client cannot fill the replay store', async () => {
    const replay = memoryReplayStore({ maxEntries: 4, now: () => NOW });
    const markUsed = (jti: string, client: string) =>
      markDpopProofUsed({ thumbprint: `a new key for ${jti}`, jti, reusableUntil: later(60) }, replay, client);
    await markUsed('a', 'flood');
    await markUsed('b', 'flood');
    await expect(markUsed('c', 'flood')).rejects.toBeInstanceOf(ProofReplayUnknownError);
    await expect(markUsed('d', 'honest')).resolves.toBeUndefined();
  });
});

describe('DPoP nonces', () => {
  const nonces = dpopNonces({ lifetimeSeconds: 60 });

  it('are required, and replace the check of iat', async () => {
    const failure: unknown = await verify(await proof(), { nonces }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ error: 'use_dpop_nonce', nonce: nonces.issue(NOW) });
    const answered = await proof({ nonce: nonces.issue(NOW), iat: NOW_S - 7200 });
    await expect(verify(answered, { nonces })).resolves.toMatchObject({ jti: 'j' });
  });

  it('of another server, or of an hour ago, are refused and a new nonce is sent', async () => {
    for (const nonce of ['x', dpopNonces({ lifetimeSeconds: 60 }).issue(NOW), nonces.issue(later(-3600))]) {
      await expect(verify(await proof({ nonce }), { nonces })).rejects.toMatchObject({ error: 'use_dpop_nonce' });
    }
  });

  it('are accepted until the end of the next interval', () => {
    const nonce = nonces.issue(NOW);
    for (const seconds of [0, 59, 60, 119]) expect(nonces.acceptedUntil(nonce, later(seconds))).toEqual(later(120));
    expect(nonces.acceptedUntil(nonce, later(120))).toBeUndefined();
  });

  it('limit how long their proofs are remembered', async () => {
    // The nonce is from the previous interval.
    const nonce = nonces.issue(later(-60));
    await expect(verify(await proof({ nonce }), { nonces })).resolves.toMatchObject({ reusableUntil: later(60 + 6) });
  });

  it('are accepted for at most two minutes by default', () => {
    const usual = dpopNonces();
    expect(usual.acceptedUntil(usual.issue(NOW), NOW)).toEqual(later(120));
    expect(usual.acceptedUntil(usual.issue(later(59)), later(59))).toEqual(later(120));
  });

  it('require a secret of 32 bytes that is a Uint8Array', () => {
    expect(() => dpopNonces({ secret: new Uint8Array(16) })).toThrow(TypeError);
    expect(() => dpopNonces({ secret: 'x'.repeat(32) as unknown as Uint8Array })).toThrow('secret');
  });

  it.each([0, 1.5, Number.NaN, '60'])('refuse a lifetime of %p', (lifetimeSeconds) => {
    expect(() => dpopNonces({ lifetimeSeconds: lifetimeSeconds as number })).toThrow('dpopNonces: lifetimeSeconds');
  });
});

describe('checkDpopOptions', () => {
  it.each<[string, object]>([
    ['maxAgeSeconds', { maxAgeSeconds: Number.NaN }],
    ['maxAgeSeconds', { maxAgeSeconds: 0 }],
    ['replay', { replay: {} }],
    ['nonces', { nonces: 'a-secret' }],
    ['algorithms', { algorithms: 'ES256' }],
    ['algorithms', { algorithms: [] }],
  ])('refuses %s of %j', (option, options) => {
    expect(() => checkDpopOptions('test', options as DpopOptions)).toThrow(`test: dpop.${option}`);
  });
});
