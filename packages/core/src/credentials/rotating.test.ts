import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type CryptoKey, exportJWK, exportPKCS8, exportSPKI, generateKeyPair, jwtVerify } from 'jose';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientAssertion } from './client-assertion.ts';
import { clientSecret } from './client-secret.ts';
import type { ClientCredential, CredentialWarning } from './credential.ts';
import { privateKeyJwt } from './private-key-jwt.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'credence-'));
  file = join(folder, 'credential');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function sent(credential: ClientCredential, nowMs = Date.now()) {
  const request = { body: new URLSearchParams(), headers: new Headers() };
  const warnings: CredentialWarning[] = [];
  const issuer = 'https://idp.example';
  await credential.authenticate({
    issuer,
    tokenEndpoint: `${issuer}/token`,
    nowMs,
    ...request,
    warn: (warning) => warnings.push(warning),
  });
  return { ...request, warnings };
}

describe('a credential that is replaced while the bot runs', () => {
  it('signs with the new key after its file was replaced, PEM or JWK', async () => {
    const [old, young] = await Promise.all([
      generateKeyPair('ES256', { extractable: true }),
      generateKeyPair('RS256', { extractable: true }),
    ]);
    writeFileSync(file, await exportPKCS8(old.privateKey));
    const credential = privateKeyJwt({ clientId: 'bot', key: { file } });
    const before = (await sent(credential)).body.get('client_assertion') ?? '';
    await expect(jwtVerify(before, old.publicKey)).resolves.toMatchObject({ protectedHeader: { alg: 'ES256' } });

    writeFileSync(file, JSON.stringify({ ...(await exportJWK(young.privateKey)), kid: '2026-11' }));
    const after = (await sent(credential)).body.get('client_assertion') ?? '';
    await expect(jwtVerify(after, young.publicKey)).resolves.toMatchObject({
      protectedHeader: { alg: 'RS256', kid: '2026-11' },
    });
  });

  it('sends the new secret after its file was replaced, without the line break at the end', async () => {
    writeFileSync(file, 'first\n');
    const credential = clientSecret({ clientId: 'bot', secret: { file }, method: 'post' });
    expect((await sent(credential)).body.get('client_secret')).toBe('first');
    writeFileSync(file, 'second\n');
    expect((await sent(credential)).body.get('client_secret')).toBe('second');
  });

  it('calls a callback before each request', async () => {
    let count = 0;
    const credential = clientSecret({ clientId: 'bot', secret: async () => `secret-${(count += 1)}` });
    const basic = async () => atob((await sent(credential)).headers.get('authorization')?.slice('Basic '.length) ?? '');
    expect([await basic(), await basic()]).toEqual(['bot:secret-1', 'bot:secret-2']);
  });

  it.each<[string, () => unknown]>([
    ['privateKeyJwt', () => privateKeyJwt({ clientId: 'bot', key: { file } })],
    ['clientSecret', () => clientSecret({ clientId: 'bot', secret: { file } })],
    ['clientAssertion', async () => sent(clientAssertion({ clientId: 'bot', assertion: { file } }))],
  ])('has no last good value at the start, so %s throws an error that names the path', async (_name, make) => {
    const missing = await refusalOf(make);
    expect(missing).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(missing.message).toContain(`${JSON.stringify(file)} (ENOENT)`);
    writeFileSync(file, ' \n');
    expect((await refusalOf(make)).message).toContain(`${JSON.stringify(file)}: the file is empty`);
  });

  it('has no last good key at the start, so a file with a public key throws invalid_key that names the path', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true });
    writeFileSync(file, await exportSPKI(publicKey));
    const error = await refusalOf(() => privateKeyJwt({ clientId: 'bot', key: { file } }));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(JSON.stringify(file));
    expect(error.message).toContain('public key');
  });
});

/** States of a file that is being replaced, or was replaced by something wrong. */
const BAD_STATES: readonly [string, (good: string) => void, RegExp][] = [
  ['is empty', () => writeFileSync(file, ''), /the file is empty/u],
  ['does not exist', () => rmSync(file), /ENOENT/u],
  [
    'cannot be read',
    () => {
      rmSync(file);
      mkdirSync(file);
    },
    /EISDIR/u,
  ],
];

const BAD_KEYS: typeof BAD_STATES = [
  ...BAD_STATES,
  ['is truncated', (good) => writeFileSync(file, good.slice(0, good.length / 2)), /ends before its END line/u],
  ['has a broken key', (good) => writeFileSync(file, good.replace('\nM', '\n!')), /cannot be read/u],
  [
    'has a public key',
    () => writeFileSync(file, '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----'),
    /public key/u,
  ],
  ['has half a JWK', () => writeFileSync(file, '{"kty":"EC","crv":"P-2'), /not PEM text/u],
];

describe('while the file of a credential', () => {
  it.each(BAD_KEYS)('%s, the last good key signs, with a warning that names the path', async (_state, spoil, why) => {
    const [old, young] = await Promise.all([1, 2].map(async () => generateKeyPair('ES256', { extractable: true })));
    if (!old || !young) throw new Error('no key');
    const good = await exportPKCS8(old.privateKey);
    writeFileSync(file, good);
    const credential = privateKeyJwt({ clientId: 'bot', key: { file } });
    const signedBy = async (key: CryptoKey) => {
      const { body, warnings } = await sent(credential);
      await jwtVerify(body.get('client_assertion') ?? '', key);
      return warnings;
    };
    expect(await signedBy(old.publicKey)).toEqual([]);
    spoil(good);
    const [warning, ...more] = await signedBy(old.publicKey);
    expect(more).toEqual([]);
    expect(warning?.message).toMatch(why);
    expect(warning?.message).toContain(JSON.stringify(file));
    expect(warning?.message).toContain('The last good value is still used.');
    expect(JSON.stringify(warning)).not.toContain(good.split('\n')[1]);

    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, await exportPKCS8(young.privateKey));
    expect(await signedBy(young.publicKey)).toEqual([]);
  });

  it.each(BAD_STATES)('%s, the last secret is sent, with a warning that names the path', async (_state, spoil, why) => {
    writeFileSync(file, 'first-secret');
    const credential = clientSecret({ clientId: 'bot', secret: { file }, method: 'post' });
    spoil('first-secret');
    const { body, warnings } = await sent(credential);
    expect(body.get('client_secret')).toBe('first-secret');
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringMatching(why)]);
    expect(warnings[0]?.message).toContain(JSON.stringify(file));
    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, 'second-secret');
    expect((await sent(credential)).body.get('client_secret')).toBe('second-secret');
  });

  const jwt = (exp: number) => `eyJhbGciOiJub25lIn0.${btoa(JSON.stringify({ exp })).replaceAll('=', '')}.c2ln`;
  it.each<(typeof BAD_STATES)[number]>([
    ...BAD_STATES,
    ['has half a JWT', (good) => writeFileSync(file, good.slice(0, 22)), /not a complete JWT/u],
  ])('%s, the last JWT is sent until it expires', async (_state, spoil, why) => {
    const good = jwt(Date.now() / 1000 + 60);
    writeFileSync(file, good);
    const credential = clientAssertion({ clientId: 'bot', assertion: { file } });
    await sent(credential);
    spoil(good);
    const { body, warnings } = await sent(credential);
    expect(body.get('client_assertion')).toBe(good);
    expect(warnings.map(({ message }) => message)).toEqual([expect.stringMatching(why)]);
    const late = await refusalOf(sent(credential, Date.now() + 120_000));
    expect(late).toMatchObject({ code: 'credential_unavailable', contact: 'you' });
    expect(late.message).toMatch(why);
  });
});
