import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exportJWK, exportPKCS8, generateKeyPair, jwtVerify } from 'jose';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientSecret } from './client-secret.ts';
import type { ClientCredential } from './credential.ts';
import { privateKeyJwt } from './private-key-jwt.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'credence-'));
  file = join(folder, 'credential');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function sent(credential: ClientCredential): Promise<{ body: URLSearchParams; headers: Headers }> {
  const request = { body: new URLSearchParams(), headers: new Headers() };
  const issuer = 'https://idp.example';
  await credential.authenticate({ issuer, tokenEndpoint: `${issuer}/token`, nowMs: Date.now(), ...request });
  return request;
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

  it('throws credential_unavailable without the path for a file that is missing at the start or is deleted later', async () => {
    const make = () => privateKeyJwt({ clientId: 'bot', key: { file } });
    const missing = await refusalOf(make);
    expect(missing).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(JSON.stringify(missing)).not.toContain(folder);

    writeFileSync(file, 'first');
    const credential = clientSecret({ clientId: 'bot', secret: { file } });
    rmSync(file);
    expect(await refusalOf(sent(credential))).toMatchObject({ code: 'credential_unavailable' });
  });

  it('throws invalid_key if the key file was replaced by a file without a key', async () => {
    writeFileSync(file, await exportPKCS8((await generateKeyPair('ES256', { extractable: true })).privateKey));
    const credential = privateKeyJwt({ clientId: 'bot', key: { file } });
    writeFileSync(file, 'half a ke');
    expect(await refusalOf(sent(credential))).toMatchObject({ code: 'invalid_key' });
  });
});
