import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { jwtVerify } from 'jose';
import { refusalOf } from '../../test-support/runtime.ts';
import { privateKeyJwt } from './private-key-jwt.ts';
import type { SigningKeyInput } from './signing-key.ts';

const folder = mkdtempSync(join(tmpdir(), 'credence-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed25519 = generateKeyPairSync('ed25519');

function pem(key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8'): string {
  return key.export({ type, format: 'pem' }).toString();
}

const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${'MIIC+TCCAeGgAwIBAgIUSmSfGdSz/H/sS6qP'.repeat(8)}\n-----END CERTIFICATE-----\n`;
const PARAMETERS = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
const BAG = 'Bag Attributes\n    localKeyID: 38 D9 43 78\n    friendlyName: bot\nKey Attributes: <No Attributes>\n';

/** The ways in which people have a PEM text. */
const SHAPES: readonly [string, (text: string) => string][] = [
  ['as it is', (text) => text],
  ['with a certificate behind', (text) => text + CERTIFICATE],
  ['with several certificates in front', (text) => CERTIFICATE + CERTIFICATE + text],
  ['with certificates on both sides', (text) => CERTIFICATE + text + CERTIFICATE],
  ['with the bag attributes of openssl pkcs12', (text) => BAG + text + BAG + CERTIFICATE],
  ['with text in front and behind', (text) => `# key of the bot\nKEY=${text}\nend of file\n`],
  ['with the characters \\n for line breaks', (text) => text.replaceAll('\n', String.raw`\n`)],
  ['with the characters \\r\\n for line breaks', (text) => text.replaceAll('\n', String.raw`\r\n`)],
  ['with \\n escaped twice', (text) => text.replaceAll('\n', String.raw`\\n`)],
  ['with CRLF', (text) => text.replaceAll('\n', '\r\n')],
  ['with CR', (text) => text.replaceAll('\n', '\r')],
  ['without a line break at its end', (text) => text.trimEnd()],
  ['on one line with spaces', (text) => text.replaceAll('\n', ' ')],
  ['on one line without spaces', (text) => text.replaceAll('\n', '')],
  ['with a byte order mark', (text) => `\ufeff${text}`],
  ['in UTF-16 that was read as UTF-8', (text) => `\ufffd\ufffd${text.split('').join('\0')}\0`],
  ['in double quotes', (text) => `"${text}"`],
  ['in single quotes with the characters \\n', (text) => `'${text.replaceAll('\n', String.raw`\n`)}'`],
  ['as a JSON string', (text) => JSON.stringify(text)],
  ['as a JSON string of a JSON string', (text) => JSON.stringify(JSON.stringify(text))],
  ['with indented lines', (text) => text.replaceAll(/^/gmu, '    ')],
  ['with tabs and empty lines', (text) => `\n\n${text.replaceAll('\n', '\t\n\n')}`],
  ['as base64', (text) => Buffer.from(text).toString('base64')],
  [
    'as base64 in lines',
    (text) =>
      Buffer.from(text)
        .toString('base64')
        .replaceAll(/(.{76})/gu, '$1\n'),
  ],
  ['as base64 of a chain with a certificate', (text) => Buffer.from(CERTIFICATE + text).toString('base64')],
];

const KEYS: readonly [string, string, KeyObject][] = [
  ['RSA in PKCS#8', pem(rsa.privateKey), rsa.publicKey],
  ['RSA in PKCS#1', pem(rsa.privateKey, 'pkcs1'), rsa.publicKey],
  ['EC in PKCS#8', pem(p256.privateKey), p256.publicKey],
  ['EC in SEC1', pem(p256.privateKey, 'sec1'), p256.publicKey],
  ['EC in SEC1 after its parameters', PARAMETERS + pem(p256.privateKey, 'sec1'), p256.publicKey],
  ['Ed25519', pem(ed25519.privateKey), ed25519.publicKey],
];

async function expectSigns(key: SigningKeyInput | { file: string }, publicKey: KeyObject, kid?: string): Promise<void> {
  const body = new URLSearchParams();
  const credential = privateKeyJwt({ clientId: 'bot', key, ...(kid !== undefined && { kid }) });
  const issuer = 'https://idp.example';
  await credential.authenticate({
    issuer,
    tokenEndpoint: `${issuer}/token`,
    body,
    headers: new Headers(),
    nowMs: Date.now(),
  });
  await jwtVerify(body.get('client_assertion') ?? '', publicKey, { issuer: 'bot' });
}

describe.each(KEYS)('a key that is %s', (_kind, text, publicKey) => {
  it.each(SHAPES)('is read %s', async (_shape, shape) => {
    await expectSigns(shape(text), publicKey);
  });
});

describe('a key', () => {
  it.each([
    ['PKCS#8', rsa.privateKey.export({ type: 'pkcs8', format: 'der' }), rsa.publicKey],
    ['PKCS#1', rsa.privateKey.export({ type: 'pkcs1', format: 'der' }), rsa.publicKey],
    ['SEC1', p256.privateKey.export({ type: 'sec1', format: 'der' }), p256.publicKey],
  ])('is read as base64 of %s without BEGIN and END', async (_type, der, publicKey) => {
    await expectSigns(der.toString('base64'), publicKey);
  });

  const jwk = p256.privateKey.export({ format: 'jwk' });
  const publicJwk = { ...jwk, d: undefined };
  const otherJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  it.each<[string, SigningKeyInput]>([
    ['a JWK as JSON text', JSON.stringify(jwk)],
    ['a JWK as indented JSON text', JSON.stringify(jwk, null, 2)],
    ['a JWK as a JSON string of JSON text', JSON.stringify(JSON.stringify(jwk))],
    ['a JWK in single quotes', `'${JSON.stringify(jwk)}'`],
    ['a JWK as base64', Buffer.from(JSON.stringify(jwk)).toString('base64')],
    ['a JWK set with one private key as text', JSON.stringify({ keys: [publicJwk, jwk] })],
    ['a JWK set as an object', { keys: [jwk] } as unknown as SigningKeyInput],
    ['a JWK set that has it twice', JSON.stringify({ keys: [jwk, publicJwk, jwk] })],
    [
      'a JWK set with another key for encryption',
      JSON.stringify({
        keys: [
          { ...otherJwk, use: 'enc' },
          { ...otherJwk, key_ops: ['deriveBits'] },
          { ...jwk, use: 'sig', key_ops: ['sign'] },
        ],
      }),
    ],
    ['a PEM that has it twice', pem(p256.privateKey) + CERTIFICATE + pem(p256.privateKey)],
    ['a PEM that has it in PKCS#8 and SEC1', pem(p256.privateKey, 'sec1') + pem(p256.privateKey)],
    ['a KeyObject', p256.privateKey],
    ['the bytes of a PEM', Buffer.from(pem(p256.privateKey))],
    ['the bytes of a PEM as Uint8Array', new TextEncoder().encode(pem(p256.privateKey))],
    ['the bytes of a JWK', Buffer.from(JSON.stringify(jwk))],
    ['the bytes of a PEM in UTF-16', Buffer.from(`\ufeff${pem(p256.privateKey)}`, 'utf16le')],
    ['a part of a larger buffer', Buffer.from(`garbage ${pem(p256.privateKey)}`).subarray(8)],
    ['DER in PKCS#8', p256.privateKey.export({ type: 'pkcs8', format: 'der' })],
    ['DER in SEC1', new Uint8Array(p256.privateKey.export({ type: 'sec1', format: 'der' }))],
  ])('is read from %s', async (_what, key) => {
    await expectSigns(key, p256.publicKey);
  });

  it.each<[string, Buffer, KeyObject]>([
    ['DER in PKCS#8', ed25519.privateKey.export({ type: 'pkcs8', format: 'der' }), ed25519.publicKey],
    ['DER in PKCS#1', rsa.privateKey.export({ type: 'pkcs1', format: 'der' }), rsa.publicKey],
    ['DER in SEC1', p256.privateKey.export({ type: 'sec1', format: 'der' }), p256.publicKey],
    ['a PEM in UTF-16', Buffer.from(`\ufeff${pem(p256.privateKey)}`, 'utf16le'), p256.publicKey],
  ])('is read from a file with %s', async (_what, bytes, publicKey) => {
    const file = join(folder, 'key');
    writeFileSync(file, bytes);
    await expectSigns({ file }, publicKey);
  });

  it('is chosen by kid from a JWK set with several private keys', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const set = JSON.stringify({
      keys: [
        { ...other, kid: 'old' },
        { ...jwk, kid: 'new' },
      ],
    });
    await expectSigns(set, p256.publicKey, 'new');
    const error = await refusalOf(() => privateKeyJwt({ clientId: 'bot', key: set }));
    expect(error.message).toContain('2 private keys');
  });
});

function openSsh(type: string): string {
  const field = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  const bytes = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...['none', 'none', ''].map(field),
    Buffer.from([0, 0, 0, 1, 0, 0, 0, 99]),
    field(type),
    Buffer.alloc(200, 7),
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${bytes.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** A self-signed certificate of a P-256 key. */
const CERTIFICATE_DER = Buffer.from(
  'MIIBczCCARmgAwIBAgIUAmGGj+G21J+cj9x68UNSiwXjP0QwCgYIKoZIzj0EAwIwDjEMMAoGA1UEAwwDYm90MCAXDTI2MTEyODE1MjY1M1oYDz' +
    'IxMjYxMTA0MTUyNjUzWjAOMQwwCgYDVQQDDANib3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARDdKCp9+Oc+iTuZxZcKHzlkYeYEuOmE9E9' +
    'YKt6Ukq0yTJKlXG8WnGOpWrE3CxGquxMA6CQFqSlx2yI5dTRY8opo1MwUTAdBgNVHQ4EFgQUOi42KTEEpXrXrX+12HUo2sTR2pQwHwYDVR0jBB' +
    'gwFoAUOi42KTEEpXrXrX+12HUo2sTR2pQwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAiSKq8aL3ndCbwJbYRWKJo0EU25YQ' +
    '4f1Z7JdYVs5N0qoCIBRtpvaZQvH/92S8MG1sbE08YWEF2yoqQQUlrAhnwFlJ',
  'base64',
);

/** The beginning of a PKCS#12 file (RFC 7292 section 4): the version 3, and contents of the type data. */
const PKCS12 = sequence(
  Buffer.from([2, 1, 3]),
  sequence(Buffer.from('06092a864886f70d010701', 'hex'), Buffer.alloc(900, 7)),
);

function sequence(...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([0x30, 0x82, content.length >> 8, content.length & 0xff]), content]);
}

describe('a key that cannot be used is named, with what to do, and no part of it is shown:', () => {
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'hunter22' };
  const k256 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
  const jwk = p256.privateKey.export({ format: 'jwk' });
  const publicPem = p256.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  it.each<[string, SigningKeyInput, RegExp, RegExp]>([
    [
      'encrypted PKCS#8',
      p256.privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString(),
      /encrypted, and a passphrase is not supported/u,
      /openssl pkey/u,
    ],
    [
      'encrypted PKCS#1',
      rsa.privateKey.export({ type: 'pkcs1', format: 'pem', ...cipher }).toString(),
      /encrypted/u,
      /openssl pkey/u,
    ],
    ['OpenSSH, RSA', openSsh('ssh-rsa'), /OpenSSH format/u, /ssh-keygen -p -m PKCS8/u],
    [
      'OpenSSH, Ed25519',
      openSsh('ssh-ed25519'),
      /Ed25519 key in the OpenSSH format/u,
      /openssl genpkey -algorithm ed25519/u,
    ],
    ['a public key of OpenSSH', `ssh-ed25519 ${'A'.repeat(68)} bot@host`, /public key of OpenSSH/u, /private key/u],
    ['SSH2', '---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAA\n', /private key in the SSH2/u, /ssh-keygen -i -f/u],
    [
      'a public key in SSH2',
      '---- BEGIN SSH2 PUBLIC KEY ----\nComment: "x"\nAAAAB3NzaC1yc2EAAAADAQABAAABAQDc\n---- END SSH2 PUBLIC KEY ----',
      /public key in the SSH2 format/u,
      /^Give the private key as PEM\.$/u,
    ],
    [
      'RSA-PSS of openssl rsa -traditional',
      '-----BEGIN RSA-PSS PRIVATE KEY-----\nMIIB\n-----END RSA-PSS PRIVATE KEY-----',
      /RSA-PSS key in an old format/u,
      /openssl pkey/u,
    ],
    ['a public KeyObject', p256.publicKey, /a public key/u, /private key/u],
    ['a secret KeyObject', createSecretKey(Buffer.from('hunter22hunter22')), /a secret key/u, /private key/u],
    ['a pair of KeyObjects', p256 as never, /a pair of keys/u, /privateKey/u],
    ['a Promise', Promise.resolve(pem(p256.privateKey)) as never, /a Promise/u, /Await/u],
    ['an ArrayBuffer', new ArrayBuffer(8) as never, /an ArrayBuffer/u, /Uint8Array/u],
    ['a URL', new URL('file:///key.pem') as never, /names a file in another form/u, /\{ file: PATH \}/u],
    ['a file that is a URL', { file: new URL('file:///k') } as never, /another form/u, /\{ file: PATH \}/u],
    ['a member path', { path: '/key.pem' } as never, /another form/u, /\{ file: PATH \}/u],
    ['a number', 7 as never, /none of PEM text/u, /one of these/u],
    ['nothing', undefined as never, /none of PEM text/u, /one of these/u],
    [
      'a service account of Google',
      { type: 'service_account', private_key: pem(rsa.privateKey) } as never,
      /JSON object that contains a key/u,
      /private_key/u,
    ],
    ['a JWK for encryption', { ...jwk, use: 'enc' }, /`use` is "enc"/u, /for signatures/u],
    ['a JWK with use of another form', { ...jwk, use: 7 as never }, /`use` is/u, /for signatures/u],
    ['a JWK that may only verify', { ...jwk, key_ops: ['verify'] }, /`key_ops` do not include "sign"/u, /signatures/u],
    ['a JWK with key_ops of another form', { ...jwk, key_ops: 'sign' as never }, /`key_ops`/u, /for signatures/u],
    [
      'a JWK set with one for encryption',
      { keys: [{ ...jwk, use: 'enc' }] } as never,
      /`use` is "enc"/u,
      /signatures/u,
    ],
    ['a JWK with an alg of another type', { ...jwk, alg: 'RS256' }, /"RS256" does not fit its type/u, /alg/u],
    ['a JWK with an alg for encryption', { ...jwk, alg: 'ECDH-ES' }, /"ECDH-ES" does not fit its type/u, /alg/u],
    [
      'DER that is encrypted',
      rsa.privateKey.export({ type: 'pkcs8', format: 'der', ...cipher }),
      /encrypted/u,
      /openssl pkey/u,
    ],
    ['DER with a public key', rsa.publicKey.export({ type: 'spki', format: 'der' }), /a public key/u, /private key/u],
    [
      'DER with a public key in PKCS#1',
      rsa.publicKey.export({ type: 'pkcs1', format: 'der' }),
      /public key/u,
      /private key/u,
    ],
    ['the bytes of a certificate', CERTIFICATE_DER, /a certificate/u, /private key/u],
    ['the bytes of a PKCS#12 file', PKCS12, /a PKCS#12 file/u, /openssl pkcs12/u],
    ['base64 of a PKCS#12 file', PKCS12.toString('base64'), /a PKCS#12 file/u, /openssl pkcs12/u],
    [
      'the first half of DER',
      rsa.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(0, 600),
      /binary file/u,
      /openssl/u,
    ],
    ['no bytes', new Uint8Array(), /not PEM text/u, /whole text/u],
    ['PuTTY', 'PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n', /PuTTY/u, /puttygen/u],
    ['PGP', '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF\n', /PGP/u, /openssl genpkey/u],
    ['k256 in PKCS#8', pem(k256), /secp256k1 \(k256\)/u, /P-256/u],
    ['k256 in SEC1', pem(k256, 'sec1'), /secp256k1 \(k256\)/u, /P-256/u],
    ['k256 as a JWK', k256.export({ format: 'jwk' }), /secp256k1 \(k256\)/u, /P-256/u],
    ['P-224', pem(generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).privateKey), /secp224r1/u, /P-256/u],
    [
      'DSA',
      pem(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).privateKey),
      /type dsa/u,
      /RSA/u,
    ],
    [
      'DSA in its own format',
      '-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----',
      /a DSA key/u,
      /RSA/u,
    ],
    ['Ed448', pem(generateKeyPairSync('ed448').privateKey), /type ed448/u, /Ed25519/u],
    [
      'RSA of 1024 bits',
      pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey),
      /2048 bits/u,
      /Generate/u,
    ],
    ['a public key', publicPem, /a public key and contains no private key/u, /private key/u],
    [
      'a public key of RSA',
      '-----BEGIN RSA PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----',
      /an RSA public key/u,
      /private/u,
    ],
    ['a certificate', CERTIFICATE, /a certificate and contains no private key/u, /private key/u],
    ['certificates in base64', Buffer.from(CERTIFICATE).toString('base64'), /a certificate/u, /private key/u],
    [
      'a certificate request',
      CERTIFICATE.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'),
      /certificate request/u,
      /private/u,
    ],
    ['two private keys', pem(rsa.privateKey) + pem(p256.privateKey), /2 private keys/u, /Leave only/u],
    ['the first half of a PEM', pem(rsa.privateKey).slice(0, 900), /ends before its END line/u, /complete/u],
    ['a PEM with a wrong character', pem(rsa.privateKey).replace('MII', 'M!I'), /cannot be read/u, /complete/u],
    ['bytes of PKCS#12', '0\ufffd\u0002\u0001\u0003', /binary file/u, /openssl pkcs12/u],
    [
      'base64 of something else',
      Buffer.alloc(200, 65).toString('base64'),
      /base64 that contains no private key/u,
      /whole text/u,
    ],
    ['a JWK set without a private key', JSON.stringify({ keys: [] }), /without a private key/u, /private JWK/u],
    ['JSON that is no JWK', '{"client_id":"bot","client_secret":"s3cr3t"}', /not a JWK/u, /PEM/u],
    ...[
      '/etc/credence/key.pem',
      '/var/run/secrets/credence/production/private',
      './key',
      '../keys/bot.pem',
      '~/key',
      'keys/bot.pem',
      'key.p12',
      'C:\\keys\\bot.pem',
      'file:///etc/key',
      ' /etc/key.pem\n',
    ].map((path): [string, string, RegExp, RegExp] => [
      `the path ${JSON.stringify(path)}`,
      path,
      /not PEM text: it looks like the path/u,
      /key: \{ file: PATH \}.*CREDENCE_IDP_PRIVATE_KEY_FILE/u,
    ]),
    ['a name that may be a path', 'keys/bot', /not PEM text/u, /key: \{ file: PATH \}/u],
    ['spaces', '   ', /not PEM text/u, /whole text/u],
  ])('%s', async (_what, key, why, remedy) => {
    const error = await refusalOf(() => privateKeyJwt({ clientId: 'bot', key }));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you', retryable: false });
    expect(error.message).toMatch(why);
    expect(error.remedy).toMatch(remedy);
    const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + error.stack;
    const text = typeof key === 'string' ? key : (JSON.stringify(key) ?? '');
    for (const line of text.split(/[^\w+/=-]+/u).filter((part) => part.length >= 20 && !part.includes('-----'))) {
      expect(shown).not.toContain(line);
    }
    expect(shown).not.toMatch(/hunter22|s3cr3t|MII[A-Z]/u);
  });
});

describe('a file with a key that cannot be used is named with its path:', () => {
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'hunter22' };
  it.each<[string, () => Buffer | string, RegExp]>([
    ['PKCS#12', () => PKCS12, /"[^"]+key.p12": The key of privateKeyJwt cannot be used: it is a PKCS#12 file/u],
    ['a certificate in DER', () => CERTIFICATE_DER, /a certificate and contains no private key/u],
    ['encrypted DER', () => rsa.privateKey.export({ type: 'pkcs8', format: 'der', ...cipher }), /it is encrypted/u],
    ['another binary file', () => Buffer.from([0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2]), /it is a binary file/u],
    ['a path', () => '/etc/key.pem', /looks like the path/u],
  ])('%s', async (_what, content, why) => {
    const file = join(folder, 'key.p12');
    writeFileSync(file, content());
    const error = await refusalOf(() => privateKeyJwt({ clientId: 'bot', key: { file } }));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you' });
    expect(error.message).toMatch(why);
    expect(error.message).toContain(JSON.stringify(file));
  });
});
