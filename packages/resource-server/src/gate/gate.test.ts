import { createHash, randomUUID } from 'node:crypto';
import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dpopNonces } from '@credence/protocol';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { expressAccessToken } from './access-token-gate.ts';
import { TokenVerificationUnavailableError } from '../access-token/errors.ts';
import { type AccessTokenGateOptions, createGate, type GateRequest } from './gate.ts';
import { type AccessRefusal, tokenRefusal } from '../access-token/refusals.ts';

const RESOURCE = 'https://mcp.example/mcp';
const TOKEN = 'an-access-token';
const NOW = new Date('2026-11-20T12:00:00Z');

let key: { privateKey: CryptoKey; publicKey: CryptoKey };
let jwk: JWK;

beforeAll(async () => {
  key = await generateKeyPair('ES256', { extractable: true });
  jwk = await exportJWK(key.publicKey);
});

const ath = createHash('sha256').update(TOKEN).digest('base64url');

const proofFor = (htu: string) =>
  new SignJWT({ jti: randomUUID(), htm: 'POST', htu, iat: NOW.getTime() / 1000, ath })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .sign(key.privateKey);

type Verifier = AccessTokenGateOptions['verifier'];

const verifier: Verifier = {
  resource: RESOURCE,
  checkAccessToken: (token, dpopThumbprint) =>
    Promise.resolve({
      token,
      clientId: 'c',
      scopes: [],
      expiresAt: NOW.getTime() / 1000 + 60,
      resource: new URL(RESOURCE),
      extra: { subject: 's', issuer: 'i', claims: {}, ...(dpopThumbprint !== undefined && { dpopThumbprint }) },
    }),
};

const options = (more: Partial<AccessTokenGateOptions> = {}): AccessTokenGateOptions => ({
  verifier,
  now: () => NOW,
  ...more,
});

/** Sends a request to `target` with a proof for `htu` through a gate. Returns `accepted`, or the status and the error. */
async function outcome(target: string, htu: string, more: Partial<AccessTokenGateOptions> = {}): Promise<string> {
  const request = { method: 'POST', target, authorization: `DPoP ${TOKEN}`, dpop: await proofFor(htu) };
  const decided = await createGate(options(more))(request);
  if ('info' in decided) return 'accepted';
  return `${decided.refusal.status} ${decided.refusal.body.error_description}`;
}

describe('the htu that a DPoP proof must have', () => {
  it.each([
    ['/mcp', RESOURCE],
    ['/mcp?session=1', RESOURCE],
    ['/other', 'https://mcp.example/other'],
    ['http://10.0.0.7:3000/mcp', RESOURCE],
    ['https://evil.example/mcp', RESOURCE],
    ['https://evil.example', 'https://mcp.example/'],
    ['//evil.example/mcp', 'https://mcp.example//evil.example/mcp'],
  ])('for a request to %s is %s', async (target, url) => {
    await expect(outcome(target, url)).resolves.toBe('accepted');
  });

  it.each([
    ['https://evil.example/mcp', 'https://evil.example/mcp'],
    ['//evil.example/mcp', 'https://evil.example/mcp'],
    ['/mcp', 'https://evil.example/mcp'],
    ['/mcp', 'https://mcp.example/other'],
    ['//', RESOURCE],
    ['/\\', RESOURCE],
    ['*', RESOURCE],
    ['http://[', RESOURCE],
    ['http://evil.example\\mcp', RESOURCE],
    ['ftp://evil.example/mcp', 'ftp://evil.example/mcp'],
  ])('of a request to %s is not %s', async (target, url) => {
    await expect(outcome(target, url)).resolves.toMatch(/^401 .*URL/u);
  });

  it('is in the error description if the proof is for another URL', async () => {
    await expect(outcome('/mcp', 'https://mcp.example/issues/mcp')).resolves.toBe(
      '401 The DPoP proof is for another URL than https://mcp.example/mcp',
    );
  });

  it('can be set, for a proxy that changes the path', async () => {
    const dpop = { url: 'https://mcp.example/issues/mcp' };
    await expect(outcome('/mcp', dpop.url, { dpop })).resolves.toBe('accepted');
    await expect(outcome('/mcp', RESOURCE, { dpop })).resolves.toContain(`another URL than ${dpop.url}`);
    expect(() => createGate(options({ dpop: { url: '/issues/mcp' } }))).toThrow('dpop.url is not an absolute URL');
  });

  it('does not contain the host of an absolute request target', async () => {
    const gate = expressAccessToken(options());
    const server = createServer((request, response) => void gate(request, response, () => response.end('in')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const send = async (path: string, htu: string) => {
      const headers = { authorization: `DPoP ${TOKEN}`, dpop: await proofFor(htu) };
      return new Promise((resolve) => {
        sendRequest({ port, host: '127.0.0.1', method: 'POST', path, headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }).end();
      });
    };
    try {
      expect(await send('/mcp', RESOURCE)).toBe(200);
      expect(await send('https://evil.example/mcp', 'https://evil.example/mcp')).toBe(401);
      expect(await send('//', RESOURCE)).toBe(401);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('the order of the checks of a bound token', () => {
  /** Sends a proof whose signature is not by the key in it, and returns the calls of the verifier and the outcome. */
  async function send(proof: string, check: Verifier['checkAccessToken'] = verifier.checkAccessToken) {
    const checkAccessToken = jest.fn(check);
    const gate = createGate(options({ verifier: { ...verifier, checkAccessToken } }));
    const decided = await gate({ method: 'POST', target: '/mcp', authorization: `DPoP ${TOKEN}`, dpop: proof });
    const result = 'info' in decided ? 'accepted' : decided.refusal.body.error_description;
    return { calls: checkAccessToken.mock.calls.length, result };
  }

  const withHeader = (header: object, signature = 'c2ln') => {
    const claims = { jti: 'j', htm: 'POST', htu: RESOURCE, iat: NOW.getTime() / 1000, ath };
    const parts = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    return `${parts.join('.')}.${signature}`;
  };

  it('has the token before the signature of the proof', async () => {
    const forged = withHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk });
    await expect(send(forged)).resolves.toMatchObject({ calls: 1, result: expect.stringContaining('signature') });
    const refuse = () => Promise.resolve(tokenRefusal('expired'));
    await expect(send(forged, refuse)).resolves.toEqual({ calls: 1, result: 'The token has expired' });
  });

  it.each<[string, object]>([
    ['an RSA key of 16384 bits', { kty: 'RSA', n: Buffer.alloc(2048, 0xff).toString('base64url'), e: 'AQAB' }],
    ['a large exponent', { kty: 'RSA', n: 'w'.repeat(342), e: Buffer.alloc(256, 0xff).toString('base64url') }],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }],
    ['an object as coordinate', { kty: 'EC', crv: 'P-256', x: {}, y: {} }],
  ])('has the key of the proof before the token, and refuses %s', async (_name, unusable) => {
    const alg = 'n' in unusable ? 'RS256' : 'ES256';
    const { calls, result } = await send(withHeader({ alg, typ: 'dpop+jwt', jwk: unusable }));
    expect({ calls, result }).toEqual({ calls: 0, result: expect.stringMatching(/^The DPoP proof is malformed/u) });
  });

  it('has the key of the proof before the token, and refuses a private key', async () => {
    const privateJwk = { ...jwk, d: 'x'.repeat(43) };
    await expect(send(withHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: privateJwk }))).resolves.toMatchObject({
      calls: 0,
    });
  });

  it.each([
    ['accepts', 299, 'accepted'],
    ['accepts', -299, 'accepted'],
    ['refuses', 301, 'The iat of the DPoP proof is too far from the current time'],
    ['refuses', -301, 'The iat of the DPoP proof is too far from the current time'],
  ])('%s a proof whose iat is %i seconds ahead', async (_verb, seconds, result) => {
    const proof = await new SignJWT({ jti: 'j', htm: 'POST', htu: RESOURCE, iat: NOW.getTime() / 1000 + seconds, ath })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(key.privateKey);
    await expect(send(proof)).resolves.toMatchObject({ result });
  });
});

it('a gate counts a used DPoP proof for the client of the access token', async () => {
  const owners: unknown[] = [];
  const replay = {
    reserve: async (_id: string, _expiresAt: Date, owner?: string) => {
      owners.push(owner);
      return true;
    },
  };
  await expect(outcome('/mcp', RESOURCE, { dpop: { replay } })).resolves.toBe('accepted');
  expect(owners).toEqual(['c']);
});

describe('onRefused', () => {
  const recordingVerifier = (more: Partial<Verifier> = {}) => {
    const records: AccessRefusal[] = [];
    return {
      records,
      verifier: { ...verifier, onRefused: (record: AccessRefusal) => void records.push(record), ...more },
    };
  };
  const request = (more: Partial<GateRequest> = {}): GateRequest => ({
    method: 'POST',
    target: '/mcp',
    authorization: `Bearer ${TOKEN}`,
    dpop: undefined,
    ...more,
  });

  it('is not called for a request that is accepted', async () => {
    const { records, verifier: recording } = recordingVerifier();
    await createGate(options({ verifier: recording }))(request());
    expect(records).toEqual([]);
  });

  it.each<[string, () => Promise<GateRequest>, Partial<AccessTokenGateOptions>]>([
    ['no_token', async () => request({ authorization: undefined }), {}],
    ['bearer_not_accepted', async () => request(), { requireDpop: true }],
    ['dpop_not_accepted', async () => request({ authorization: `DPoP ${TOKEN}` }), { dpop: false }],
    ['proof_required', async () => request({ authorization: `DPoP ${TOKEN}` }), {}],
    [
      'proof_refused',
      async () => request({ authorization: `DPoP ${TOKEN}`, dpop: await proofFor('https://other.example') }),
      {},
    ],
    [
      'nonce_needed',
      async () => request({ authorization: `DPoP ${TOKEN}`, dpop: await proofFor(RESOURCE) }),
      { dpop: { nonces: dpopNonces() } },
    ],
    [
      'replay_unknown',
      async () => request({ authorization: `DPoP ${TOKEN}`, dpop: await proofFor(RESOURCE) }),
      { dpop: { replay: { reserve: () => Promise.reject(new Error('redis://:secret@host')) } } },
    ],
  ])('is called with the code %s', async (code, refused, more) => {
    const { records, verifier: recording } = recordingVerifier();
    await createGate(options({ ...more, verifier: recording }))(await refused());
    expect(records).toEqual([expect.objectContaining({ code, resource: RESOURCE, time: NOW })]);
    expect(records[0]?.reason).toEqual(expect.stringMatching(/^[A-Z]\w* \w+/u));
    expect(JSON.stringify(records)).not.toMatch(/an-access-token|eyJ|secret/u);
  });

  it('is called with the client, the reason and the remedy', async () => {
    const checkAccessToken = () =>
      Promise.resolve(
        tokenRefusal('wrong_audience', { detail: `${RESOURCE}/`, clientId: 'c', subject: 's', jti: 'j' }),
      );
    const { records, verifier: recording } = recordingVerifier({ checkAccessToken });
    const decided = await createGate(options({ verifier: recording }))(request());
    expect(decided).toMatchObject({ refusal: { body: { error_description: 'The token is for another resource' } } });
    expect(records).toEqual([
      {
        time: NOW,
        resource: RESOURCE,
        code: 'wrong_audience',
        reason: `The token is for another resource: "${RESOURCE}/"`,
        remedy: expect.stringContaining('exactly, character for character'),
        clientId: 'c',
        subject: 's',
        jti: 'j',
      },
    ]);
  });

  it('is called with the reason why a token cannot be verified, which is not sent to the client', async () => {
    const failure = new TokenVerificationUnavailableError(
      'introspection: answered 401 invalid_client',
      'Correct the secret.',
    );
    const { records, verifier: recording } = recordingVerifier({ checkAccessToken: () => Promise.reject(failure) });
    const decided = await createGate(options({ verifier: recording }))(request());
    expect(decided).toMatchObject({ refusal: { status: 503, body: { error: 'temporarily_unavailable' } } });
    expect(JSON.stringify(decided)).not.toContain('introspection');
    expect(records).toEqual([
      expect.objectContaining({
        code: 'verification_unavailable',
        reason: 'introspection: answered 401 invalid_client',
        remedy: 'Correct the secret.',
      }),
    ]);
  });

  it.each<[string, () => Promise<never>]>([
    ['unexpected failure: TypeError', () => Promise.reject(new TypeError('an-access-token is unusable'))],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a verifier can reject with any value
    ['unexpected failure: not an Error', () => Promise.reject('an-access-token is unusable')],
  ])('is called if a verifier fails in an unexpected way, and the response is 503: %s', async (reason, check) => {
    const { records, verifier: recording } = recordingVerifier({ checkAccessToken: check });
    for (const sent of [request(), request({ authorization: `DPoP ${TOKEN}`, dpop: await proofFor(RESOURCE) })]) {
      await expect(createGate(options({ verifier: recording }))(sent)).resolves.toMatchObject({
        refusal: { status: 503, body: { error: 'temporarily_unavailable' } },
      });
    }
    const record = expect.objectContaining({ code: 'verification_unavailable', reason });
    expect(records).toEqual([record, record]);
  });

  it('is awaited, and the response does not change if it rejects', async () => {
    let done = false;
    const onRefused = async () => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      done = true;
      throw new Error('the sink is full');
    };
    const decided = await createGate(options({ verifier: { ...verifier, onRefused } }))(
      request({ authorization: undefined }),
    );
    expect(decided).toMatchObject({ refusal: { status: 401 } });
    expect(done).toBe(true);
  });

  describe('that never ends', () => {
    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    it('delays the response by ten seconds', async () => {
      const onRefused = () => new Promise<void>(() => {});
      const gate = createGate(options({ verifier: { ...verifier, onRefused } }));
      let isAnswered = false;
      const answer = gate(request({ authorization: undefined })).finally(() => (isAnswered = true));
      await jest.advanceTimersByTimeAsync(9999);
      expect(isAnswered).toBe(false);
      await jest.advanceTimersByTimeAsync(1);
      await expect(answer).resolves.toMatchObject({ refusal: { status: 401 } });
    });
  });
});
