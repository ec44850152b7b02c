import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { exportPKCS8, generateKeyPair } from 'jose';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientAssertion } from './client-assertion.ts';
import { clientSecret } from './client-secret.ts';
import type { ClientCredential, CredentialWarning } from './credential.ts';
import { privateKeyJwt } from './private-key-jwt.ts';
import { readRegularFile, readRegularFileSync } from '@credence/protocol/files';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'credence-'));
  file = join(folder, 'credential');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function sent(credential: ClientCredential) {
  const body = new URLSearchParams();
  const warnings: CredentialWarning[] = [];
  const issuer = 'https://idp.example';
  await credential.authenticate({
    issuer,
    tokenEndpoint: `${issuer}/token`,
    nowMs: Date.now(),
    body,
    headers: new Headers(),
    warn: (warning) => warnings.push(warning),
  });
  return { body, warnings };
}

/** Files that are not read to their end, if they have one. */
const UNSUITABLE: readonly [string, () => void, RegExp][] = [
  ['a named pipe that nobody writes', () => execFileSync('mkfifo', [file]), /it is a pipe and not a regular file/u],
  [
    'a device without an end',
    () => symlinkSync('/dev/zero', file),
    /it is a device or a socket and not a regular file/u,
  ],
  [
    'a file of 100 MB',
    () => {
      writeFileSync(file, '');
      truncateSync(file, 100_000_000);
    },
    /it is larger than 1 MiB/u,
  ],
  ['a file of a byte more than 1 MiB', () => writeFileSync(file, 'a'.repeat(1024 * 1024 + 1)), /larger than 1 MiB/u],
  ['a directory', () => mkdirSync(file), /\(EISDIR\)/u],
];

describe.each(UNSUITABLE)('%s', (_what, make, why) => {
  it.each<[string, () => unknown]>([
    ['privateKeyJwt({ key })', () => privateKeyJwt({ clientId: 'bot', key: { file } })],
    ['clientSecret({ secret })', () => clientSecret({ clientId: 'bot', secret: { file } })],
    ['clientAssertion({ assertion })', async () => sent(clientAssertion({ clientId: 'bot', assertion: { file } }))],
  ])('is refused as the file of %s, with its path', async (option, credential) => {
    make();
    const error = await refusalOf(credential);
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(error.message).toMatch(why);
    expect(error.message).toContain(`${option} could not be read from ${JSON.stringify(file)}`);
    expect(error.remedy).not.toBe('');
  });

  it('does not replace the last good key', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    writeFileSync(file, await exportPKCS8(privateKey));
    const credential = privateKeyJwt({ clientId: 'bot', key: { file } });
    rmSync(file);
    make();
    const { body, warnings } = await sent(credential);
    expect(body.get('client_assertion')).toMatch(/^ey/u);
    expect(warnings).toEqual([{ message: expect.stringMatching(why), remedy: expect.any(String) }]);
  });
});

describe('a secret file', () => {
  it.each([0, 1, 64 * 1024, 64 * 1024 + 1, 1024 * 1024])('is read whole with %p bytes', async (length) => {
    const bytes = Buffer.alloc(length, 'ab');
    writeFileSync(file, bytes);
    expect(readRegularFileSync(file).equals(bytes)).toBe(true);
    expect((await readRegularFile(file)).equals(bytes)).toBe(true);
  });

  it('is read although its status has the size 0', async () => {
    expect(readRegularFileSync('/proc/self/status').length).toBeGreaterThan(10);
    expect((await readRegularFile('/proc/self/status')).length).toBeGreaterThan(10);
  });

  it('is closed after it was read or refused', async () => {
    const descriptor = () => {
      const number = openSync(folder, 'r');
      closeSync(number);
      return number;
    };
    writeFileSync(file, 'a'.repeat(1024 * 1024 + 1));
    const before = descriptor();
    for (let count = 0; count < 3; count += 1) {
      expect(() => readRegularFileSync(file)).toThrow('1 MiB');
      await expect(readRegularFile(file)).rejects.toThrow('1 MiB');
    }
    expect(descriptor()).toBe(before);
  });
});
