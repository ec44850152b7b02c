import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
  webcrypto,
} from 'node:crypto';
import { inspect } from 'node:util';
import type { SigningAlgorithm } from '@credence/protocol';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type CryptoKey, decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify } from 'jose';
import { refusalOf } from '../../test-support/runtime.ts';
import type { ClientCredential } from './credential.ts';
import { privateKeyJwt } from './private-key-jwt.ts';
import type { SigningKeyInput } from './signing-key.ts';

const ISSUER = 'https://idp.example';
const NOW_MS = 1_800_000_000_500;

async function assertionOf(credential: ClientCredential): Promise<string> {
  const body = new URLSearchParams();
  const request = { issuer: ISSUER, tokenEndpoint: `${ISSUER}/token`, body, headers: new Headers(), nowMs: NOW_MS };
  await credential.authenticate(request);
  expect(body.get('client_id')).toBe(credential.clientId);
  expect(body.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
  return body.get('client_assertion') ?? '';
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const ed25519 = generateKeyPairSync('ed25519');

const KEYS: readonly [SigningAlgorithm, { privateKey: KeyObject; publicKey: KeyObject }][] = [
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS384', rsa],
  ['PS512', rsa],
  ['ES256', p256],
  ['ES384', p384],
  ['ES512', p521],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
];

describe('privateKeyJwt', () => {
  it('asks for claims and header parameters for each assertion, and lets no function replace the others', async () => {
    let count = 0;
    const credential = privateKeyJwt({
      clientId: 'bot',
      key: ed25519.privateKey,
      claims: ({ nowSeconds }) => ({ nbf: nowSeconds - 120, iss: 'another' }),
      header: () => ({ nonce: String((count += 1)), alg: 'none' }),
    });
    const first = await assertionOf(credential);
    expect(decodeProtectedHeader(first)).toEqual({ alg: 'EdDSA', typ: 'JWT', nonce: '1' });
    expect(decodeJwt(first)).toMatchObject({ iss: 'bot', nbf: Math.floor(NOW_MS / 1_000) - 120 });
    expect(decodeProtectedHeader(await assertionOf(credential))).toMatchObject({ nonce: '2' });
  });

  it.each([
    ['client-authentication+jwt', { typ: 'client-authentication+jwt' }],
    [false as const, {}],
    [undefined, { typ: 'JWT' }],
  ])('has the configured typ (%s)', async (typ, expected) => {
    const jwt = await assertionOf(privateKeyJwt({ clientId: 'bot', key: ed25519.privateKey, typ }));
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'EdDSA', ...expected });
  });

  it.each(KEYS)('signs %s with a PEM and with a JWK so that the public key verifies it', async (alg, pair) => {
    for (const key of [pem(pair.privateKey), pair.privateKey.export({ format: 'jwk' })]) {
      const jwt = await assertionOf(privateKeyJwt({ clientId: 'bot', key, alg }));
      const { payload, protectedHeader } = await jwtVerify(jwt, pair.publicKey, {
        audience: ISSUER,
        issuer: 'bot',
        subject: 'bot',
        currentDate: new Date(NOW_MS),
      });
      expect(protectedHeader).toEqual({ alg, typ: 'JWT' });
      expect(payload).toMatchObject({ aud: ISSUER, iat: 1_799_999_995, exp: 1_800_000_055 });
    }
  });

  it.each([
    ['RS256', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048 }],
    ['RS512', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512', modulusLength: 2048 }],
    ['PS384', { name: 'RSA-PSS', hash: 'SHA-384', modulusLength: 2048 }],
    ['ES256', { name: 'ECDSA', namedCurve: 'P-256' }],
    ['ES384', { name: 'ECDSA', namedCurve: 'P-384' }],
    ['EdDSA', { name: 'Ed25519' }],
  ])('signs %s with a CryptoKey of that algorithm that cannot be exported', async (alg, algorithm) => {
    const { privateKey, publicKey } = await cryptoKeys(algorithm);
    const jwt = await assertionOf(privateKeyJwt({ clientId: 'bot', key: privateKey }));
    expect(decodeProtectedHeader(jwt).alg).toBe(alg);
    await jwtVerify(jwt, publicKey, { audience: ISSUER, currentDate: new Date(NOW_MS) });
  });

  it('signs by a function that receives the signing input', async () => {
    const key = privateKeyJwt({
      clientId: 'bot',
      alg: 'ES256',
      kid: 'kms-1',
      key: async (input) => nodeSign('sha256', input, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' }),
    });
    const jwt = await assertionOf(key);
    const { protectedHeader } = await jwtVerify(jwt, p256.publicKey, {
      audience: ISSUER,
      currentDate: new Date(NOW_MS),
    });
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'kms-1' });
  });

  it.each([
    ['RS256', rsa],
    ['ES256', p256],
    ['ES384', p384],
    ['ES512', p521],
    ['EdDSA', ed25519],
  ])('signs with %s if alg is not set and the key is of the matching type', async (alg, pair) => {
    const jwt = await assertionOf(privateKeyJwt({ clientId: 'bot', key: pem(pair.privateKey) }));
    expect(decodeProtectedHeader(jwt).alg).toBe(alg);
  });

  // The types of node want a text as saltLength, and node a number.
  const pss = (options: { hash?: string; mgf1?: string; salt?: number } = {}, modulusLength = 2048) =>
    generateKeyPairSync('rsa-pss', {
      modulusLength,
      ...(options.hash !== undefined && { hashAlgorithm: options.hash }),
      ...(options.mgf1 !== undefined && { mgf1HashAlgorithm: options.mgf1 }),
      ...(options.salt !== undefined && { saltLength: options.salt as never }),
    });
  const restricted = (hash: string, salt: number) => pss({ hash, mgf1: hash, salt });

  it.each<[string, ReturnType<typeof pss>, SigningAlgorithm | undefined, string]>([
    ['without restrictions', pss(), undefined, 'PS256'],
    ['without restrictions', pss(), 'PS384', 'PS384'],
    ['without restrictions', pss(), 'PS512', 'PS512'],
    ['of SHA-256', restricted('sha256', 32), undefined, 'PS256'],
    ['of SHA-256 with a short salt', restricted('sha256', 20), 'PS256', 'PS256'],
    ['of SHA-384', restricted('sha384', 48), undefined, 'PS384'],
    ['of SHA-512', restricted('sha512', 64), undefined, 'PS512'],
  ])('signs with an RSA-PSS key %s (%p, %p)', async (_what, { privateKey, publicKey }, alg, expected) => {
    // Web Crypto, which verifies, imports the numbers of the key, and not its restrictions.
    const numbers = createPublicKey({
      key: publicKey.export({ type: 'spki', format: 'der' }).subarray(-270),
      format: 'der',
      type: 'pkcs1',
    });
    for (const key of [pem(privateKey), privateKey, privateKey.export({ type: 'pkcs8', format: 'der' })]) {
      const jwt = await assertionOf(privateKeyJwt({ clientId: 'bot', key, alg, kid: 'k' }));
      const { protectedHeader } = await jwtVerify(jwt, numbers, { audience: ISSUER, currentDate: new Date(NOW_MS) });
      expect(protectedHeader).toEqual({ alg: expected, typ: 'JWT', kid: 'k' });
    }
  });

  it.each<[string, ReturnType<typeof pss>, SigningAlgorithm | undefined, RegExp, RegExp]>([
    ['of SHA-1', pss({ hash: 'sha1', mgf1: 'sha1', salt: 20 }), undefined, /fits none of PS256/u, /openssl genpkey/u],
    ['with another MGF1', pss({ hash: 'sha256', mgf1: 'sha1', salt: 20 }), undefined, /MGF1/u, /openssl genpkey/u],
    ['with a longer salt', restricted('sha256', 64), undefined, /salt length fits none/u, /openssl genpkey/u],
    ['of SHA-512 for PS256', restricted('sha512', 64), 'PS256', /cannot sign PS256/u, /Use PS512/u],
    ['for RS256', pss(), 'RS256', /cannot sign RS256/u, /Use PS256, PS384, PS512/u],
    ['of 1024 bits', pss({}, 1024), undefined, /2048 bits/u, /Generate/u],
  ])('refuses an RSA-PSS key %s before the first request', async (_what, { privateKey }, alg, why, remedy) => {
    const error = await refusalOf(() => privateKeyJwt({ clientId: 'bot', key: pem(privateKey), alg }));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you', retryable: false });
    expect(error.message).toMatch(why);
    expect(error.remedy).toMatch(remedy);
  });

  it('uses alg and kid of a JWK, unless the options set them', async () => {
    const key = { ...rsa.privateKey.export({ format: 'jwk' }), alg: 'PS256', kid: 'jwk-kid' };
    expect(decodeProtectedHeader(await assertionOf(privateKeyJwt({ clientId: 'bot', key })))).toEqual({
      alg: 'PS256',
      typ: 'JWT',
      kid: 'jwk-kid',
    });
    const other = privateKeyJwt({ clientId: 'bot', key, alg: 'RS384', kid: 'mine' });
    expect(decodeProtectedHeader(await assertionOf(other))).toEqual({ alg: 'RS384', typ: 'JWT', kid: 'mine' });
  });

  it('reads an EC key in the SEC1 PEM format', async () => {
    const sec1 = p256.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    await jwtVerify(await assertionOf(privateKeyJwt({ clientId: 'bot', key: sec1 })), p256.publicKey, {
      currentDate: new Date(NOW_MS),
    });
  });

  it('creates a new assertion with another jti for every request', async () => {
    const credential = privateKeyJwt({ clientId: 'bot', key: pem(p256.privateKey) });
    const jtis = await Promise.all([1, 2, 3].map(async () => decodeJwt(await assertionOf(credential)).jti));
    expect(new Set(jtis).size).toBe(3);
    for (const jti of jtis) expect(jti).toMatch(/^[\da-f-]{36}$/u);
  });

  it('uses the audience, lifetime, claims and header parameters of the options', async () => {
    const jwt = await assertionOf(
      privateKeyJwt({
        clientId: 'bot',
        key: pem(p256.privateKey),
        audience: ['tenant.example'],
        lifetimeSeconds: 120,
        claims: { nbf: 1_799_999_880, tenant: 't1' },
        header: { nonce: 'abc' },
      }),
    );
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'ES256', typ: 'JWT', nonce: 'abc' });
    expect(decodeJwt(jwt)).toMatchObject({
      aud: ['tenant.example'],
      exp: 1_800_000_115,
      nbf: 1_799_999_880,
      tenant: 't1',
    });
  });

  it('does not let the claims and header parameters of the options replace its own', async () => {
    const forged = { iss: 'x', sub: 'x', aud: 'x', exp: 1, iat: 1, jti: 'x', keep: 'me' };
    const jwt = await assertionOf(
      privateKeyJwt({
        clientId: 'bot',
        key: pem(p256.privateKey),
        kid: 'k',
        claims: forged,
        header: { alg: 'none', typ: 'at+jwt', kid: 'x' },
      }),
    );
    const { jti, ...claims } = decodeJwt(jwt);
    expect(claims).toEqual({ iss: 'bot', sub: 'bot', aud: ISSUER, iat: 1_799_999_995, exp: 1_800_000_055, keep: 'me' });
    expect(jti).not.toBe('x');
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'k' });
  });

  it.each([
    [5, 1],
    [8, 2],
    [19, 4],
    [20, 5],
    [3_600, 5],
  ])(
    'with a lifetime of %p s signs an iat that is %p s ago and an exp after that lifetime',
    async (lifetimeSeconds, age) => {
      const credential = privateKeyJwt({ clientId: 'bot', key: pem(p256.privateKey), lifetimeSeconds });
      const { iat = 0, exp = 0 } = decodeJwt(await assertionOf(credential));
      expect(1_800_000_000 - iat).toBe(age);
      expect(exp - iat).toBe(lifetimeSeconds);
    },
  );

  it.each([0, 4, 3_601, 60.5, Number.NaN])('refuses a lifetime of %p seconds', async (lifetimeSeconds) => {
    const error = await refusalOf(() => privateKeyJwt({ clientId: 'bot', key: pem(p256.privateKey), lifetimeSeconds }));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain('lifetimeSeconds');
  });

  it.each(['', '  '])('refuses the client id %p', async (clientId) => {
    const error = await refusalOf(() => privateKeyJwt({ clientId, key: pem(p256.privateKey) }));
    expect(error.message).toContain('clientId');
  });

  it('does not print the private key', () => {
    const jwk = p256.privateKey.export({ format: 'jwk' });
    const credentials = [
      privateKeyJwt({ clientId: 'bot', key: jwk }),
      privateKeyJwt({ clientId: 'bot', key: pem(p256.privateKey) }),
    ];
    const printed = inspect(credentials, { showHidden: true, depth: 9, getters: true }) + JSON.stringify(credentials);
    expect(printed).toContain('bot');
    expect(printed).not.toContain(jwk.d);
    expect(printed).not.toContain('PRIVATE KEY');
  });
});

describe('a key that privateKeyJwt cannot use', () => {
  let noSign: CryptoKey;
  let publicCryptoKey: CryptoKey;
  let shortCryptoKey: CryptoKey;
  let hmac: CryptoKey;

  beforeAll(async () => {
    const ecdh = await webcrypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']);
    noSign = ecdh.privateKey;
    publicCryptoKey = (await cryptoKeys({ name: 'ECDSA', namedCurve: 'P-256' })).publicKey;
    shortCryptoKey = (await cryptoKeys({ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024 })).privateKey;
    hmac = await webcrypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  });

  const publicPem = p256.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const encrypted = p256.privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const { d: _d, ...publicJwk } = p256.privateKey.export({ format: 'jwk' });

  it.each<[string, () => { key: SigningKeyInput; alg?: SigningAlgorithm }, RegExp]>([
    ['a public key in PEM', () => ({ key: publicPem }), /public key/u],
    ['a certificate', () => ({ key: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----' }), /certificate/u],
    ['an encrypted PEM', () => ({ key: encrypted }), /encrypted/u],
    ['a path', () => ({ key: '/etc/credence/key.pem' }), /looks like the path of a file/u],
    ['an empty string', () => ({ key: '' }), /not PEM text/u],
    ['a truncated PEM', () => ({ key: pem(p256.privateKey).slice(0, 80) }), /cannot be read/u],
    ['a symmetric JWK', () => ({ key: { kty: 'oct', k: 'c2VjcmV0LXNlY3JldA' } }), /symmetric/u],
    ['a public JWK', () => ({ key: publicJwk }), /public JWK/u],
    ['a broken JWK', () => ({ key: { kty: 'EC', crv: 'P-256', d: 'AAAA' } }), /JWK cannot be read/u],
    [
      'a JWK whose alg does not fit its type',
      () => ({ key: { ...p256.privateKey.export({ format: 'jwk' }), alg: 'RS256' } }),
      /"RS256" does not fit/u,
    ],
    ['a P-256 key for RS256', () => ({ key: pem(p256.privateKey), alg: 'RS256' }), /cannot sign RS256/u],
    ['an RSA key for ES256', () => ({ key: pem(rsa.privateKey), alg: 'ES256' }), /cannot sign ES256/u],
    ['an RSA key of 1024 bits', () => ({ key: pem(rsa1024) }), /2048 bits/u],
    ['an RSA CryptoKey of 1024 bits', () => ({ key: shortCryptoKey }), /2048 bits/u],
    [
      'a secp256k1 key',
      () => ({ key: pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey) }),
      /curve/u,
    ],
    ['an Ed448 key', () => ({ key: pem(generateKeyPairSync('ed448').privateKey) }), /type or curve/u],
    ['an X25519 key', () => ({ key: pem(generateKeyPairSync('x25519').privateKey) }), /type or curve/u],
    ['a public CryptoKey', () => ({ key: publicCryptoKey }), /public key/u],
    ['a CryptoKey without the usage sign', () => ({ key: noSign }), /may not sign/u],
    ['an HMAC CryptoKey', () => ({ key: hmac }), /secret key/u],
    ['a CryptoKey without the usage sign and with alg', () => ({ key: noSign, alg: 'ES256' }), /may not sign/u],
    ['a signer without alg', () => ({ key: () => new Uint8Array(64) }), /needs `alg`/u],
  ])('is refused before the first request: %s', async (_what, options, why) => {
    const error = await refusalOf(() => privateKeyJwt({ clientId: 'bot', ...options() }));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you', retryable: false });
    expect(error.message).toMatch(why);
    expect(error.remedy).not.toBe('');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/MII|MIG|BEGIN PRIVATE KEY-----\n/u);
  });

  it('causes invalid_key, with no word of a callback, if the signature fails', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const key: CryptoKey = { type: 'private', extractable: false, usages: ['sign'], algorithm };
    const error = await refusalOf(assertionOf(privateKeyJwt({ clientId: 'bot', key })));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you' });
    expect(error.message).toContain('the signature with ES256 failed');
    expect(error.remedy).toContain('openssl genpkey');
  });

  it.each([
    ['undefined', () => undefined],
    ['no bytes', () => new Uint8Array()],
    ['a string', () => 'c2lnbmF0dXJl'],
  ])('is refused if its signer function returns %s', async (_what, sign) => {
    const signer = sign as () => Uint8Array;
    const error = await refusalOf(assertionOf(privateKeyJwt({ clientId: 'bot', alg: 'ES256', key: signer })));
    expect(error).toMatchObject({ code: 'invalid_key', leg: 'configure', contact: 'you' });
  });

  it('causes credential_unavailable without the thrown message if its signer function throws', async () => {
    const signer = () => {
      throw Object.assign(new Error('vault token hvs.CAESIJ-secret is expired'), { code: 'EVAULT' });
    };
    const error = await refusalOf(assertionOf(privateKeyJwt({ clientId: 'bot', alg: 'ES256', key: signer })));
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure', contact: 'you' });
    expect(error.cause).toMatchObject({ code: 'EVAULT' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hvs.');
  });
});

it('the test key is the same after an export as PEM and an import', () => {
  // The tests above verify signatures of the exported PEM with the public key of the original pair.
  expect(createPrivateKey(pem(p256.privateKey)).export({ format: 'jwk' })).toEqual(
    p256.privateKey.export({ format: 'jwk' }),
  );
});

async function cryptoKeys(algorithm: {
  name: string;
  hash?: string;
  namedCurve?: string;
  modulusLength?: number;
}): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
  const usages = ['sign', 'verify'] as const;
  const { name, hash = 'SHA-256', namedCurve, modulusLength } = algorithm;
  if (modulusLength !== undefined) {
    const publicExponent = new Uint8Array([1, 0, 1]);
    return webcrypto.subtle.generateKey({ name, hash, modulusLength, publicExponent }, false, usages);
  }
  if (namedCurve !== undefined) return webcrypto.subtle.generateKey({ name, namedCurve }, false, usages);
  return generateKeyPair(name);
}
