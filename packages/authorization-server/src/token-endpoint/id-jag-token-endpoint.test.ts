import { setImmediate as immediate } from 'node:timers/promises';
import { createSigningKeys, type SigningKeys } from '@credence/identity-provider';
import { memoryReplayStore } from '@credence/protocol';
import { beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AS, dpopProof, IDP, RESOURCE, signIdJag } from '../../../../test/support/roles/tokens.ts';
import type { PresentedClient } from '../grant/client-credentials.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import type { RedeemAuditRecord } from '../redeem/audit.ts';
import { accessTokenClaims } from './access-token-claims.ts';
import { idJagTokenEndpoint, type IdJagTokenEndpointOptions } from './id-jag-token-endpoint.ts';
import { withIdJagMetadata } from './metadata.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SECRET = 's+e/c r%e:t';

let keys: SigningKeys;
let records: RedeemAuditRecord[];
let presented: PresentedClient[];

beforeAll(async () => {
  keys = await createSigningKeys();
});
beforeEach(() => {
  records = [];
  presented = [];
});

function endpoint(more: Partial<IdJagTokenEndpointOptions> = {}) {
  return idJagTokenEndpoint({
    issuer: AS,
    issuers: { [IDP]: { jwks: keys.publicJwks() } },
    resources: { [RESOURCE]: { scopes: ['a', 'b'] } },
    authenticateClient: (client) => {
      presented.push(client);
      return client.method === 'none' || ('clientSecret' in client && client.clientSecret !== SECRET)
        ? undefined
        : client.clientId;
    },
    issueAccessToken: (redemption) => keys.sign(accessTokenClaims(redemption, AS), { typ: 'at+jwt' }),
    audit: (record) => records.push(record),
    ...more,
  });
}

const idJag = (claims: Record<string, unknown> = {}) => signIdJag(keys, claims);

const form = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString();
const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' };
const BASIC = { authorization: `Basic ${btoa(`bot:${encodeURIComponent(SECRET)}`)}` };
const encoded = (json: string) => Buffer.from(json).toString('base64url');
const assertionWith = (header: string) => `${encoded(header)}.${encoded('{"sub":"bot"}')}.x`;
const CLIENT_ASSERTION = assertionWith('{"alg":"ES256"}');
const ASSERTED = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' };

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = { ...FORM, ...BASIC }) =>
  new Request(`${AS}/token`, { method: 'POST', headers, body });

async function goodRequest(): Promise<Request> {
  return post(form({ grant_type: GRANT, assertion: await idJag() }));
}

describe('idJagTokenEndpoint', () => {
  it('responds to a valid request with an access token for the granted scopes', async () => {
    const response = await endpoint()(
      post(form({ grant_type: GRANT, assertion: await idJag({ scope: 'a b', groups: ['g'] }), scope: 'a' })),
    );
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const body = (await response.json()) as Record<string, string>;
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'a',
      resource: RESOURCE,
    });
    const claims: unknown = JSON.parse(atob(body['access_token']?.split('.')[1] ?? ''));
    expect(claims).toMatchObject({
      iss: AS,
      sub: `${IDP}#s`,
      aud: RESOURCE,
      client_id: 'bot',
      scope: 'a',
      groups: ['g'],
      jti: expect.any(String),
    });
    expect(records).toEqual([
      expect.objectContaining({
        granted: true,
        clientId: 'bot',
        subject: 's',
        grantedScopes: ['a'],
        requestedScopes: ['a'],
      }),
    ]);
  });

  it('responds with 503, and records the reason, if the replay store of DPoP proofs fails', async () => {
    const proof = await dpopProof(`${AS}/token`);
    const owners: unknown[] = [];
    const reserve = (_id: string, _until: Date, owner?: string) => {
      owners.push(owner);
      return Promise.reject(new TypeError('redis://:secret@host'));
    };
    const replay = { reserve };
    const response = await endpoint({ dpop: { tokenEndpoint: `${AS}/token`, replay } })(
      post(form({ grant_type: GRANT, assertion: await idJag() }), { ...FORM, ...BASIC, dpop: proof }),
    );
    await expect(response.json()).resolves.toMatchObject({ error: 'temporarily_unavailable' });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(records).toEqual([
      expect.objectContaining({ granted: false, code: 'replay_unknown', reason: 'replay_unknown: TypeError' }),
    ]);
    // The reservation counts for the client, and not for the key of the proof.
    expect(owners).toEqual([records[0]?.clientId]);
  });

  it('refuses a single-use ID-JAG that expires during a slow callback', async () => {
    let clock = Date.now() + 59_000;
    const now = () => new Date(clock);
    const slow = endpoint({
      now,
      replay: { singleUse: memoryReplayStore({ now }) },
      account: () => {
        clock += 12_000;
        return 'account';
      },
    });
    await expect((await slow(await goodRequest())).json()).resolves.toMatchObject({ error: 'invalid_grant' });
    expect(records).toEqual([expect.objectContaining({ granted: false, reason: expect.stringMatching(/^expired/u) })]);
  });

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['client_secret_basic', {}, BASIC],
    ['client_secret_post', { client_id: 'bot', client_secret: SECRET }, {}],
    [
      'client_assertion',
      {
        client_assertion: CLIENT_ASSERTION,
        ...ASSERTED,
      },
      {},
    ],
    ['client_assertion', { client_id: 'bot', client_assertion: CLIENT_ASSERTION, ...ASSERTED }, {}],
  ])('accepts a client that authenticates by %s', async (method, parameters, headers) => {
    const body = form({ grant_type: GRANT, assertion: await idJag(), ...parameters });
    const response = await endpoint()(post(body, { ...FORM, ...headers }));
    expect(response.status).toBe(200);
    expect(presented).toEqual([expect.objectContaining({ method, clientId: 'bot' })]);
  });

  it.each<[string, number, string, () => Request | Promise<Request>]>([
    ['another content type', 400, 'invalid_request', () => post('{}', { 'content-type': 'application/json' })],
    ['a repeated parameter', 400, 'invalid_request', () => post(`grant_type=${GRANT}&grant_type=${GRANT}`)],
    ['no grant type', 400, 'invalid_request', () => post('assertion=x')],
    ['another grant type', 400, 'unsupported_grant_type', () => post('grant_type=client_credentials')],
    [
      'the grant type jwt-dpop without the option dpop',
      400,
      'unsupported_grant_type',
      () => post(form({ grant_type: GRANT.replace('bearer', 'dpop') })),
    ],
    ['no client', 401, 'invalid_client', () => post(form({ grant_type: GRANT }), FORM)],
    ['a public client', 401, 'invalid_client', () => post(form({ grant_type: GRANT, client_id: 'bot' }), FORM)],
    [
      'a wrong secret',
      401,
      'invalid_client',
      () => post(form({ grant_type: GRANT }), { ...FORM, authorization: `Basic ${btoa('bot:wrong')}` }),
    ],
    [
      'a malformed Authorization header',
      401,
      'invalid_client',
      () => post('a=b', { ...FORM, authorization: 'Basic !' }),
    ],
    ['a bearer token', 401, 'invalid_client', () => post('a=b', { ...FORM, authorization: 'Bearer x' })],
    [
      'two authentication methods',
      400,
      'invalid_request',
      () => post(form({ grant_type: GRANT, client_secret: SECRET, client_id: 'bot' })),
    ],
    ['two client ids', 400, 'invalid_request', () => post(form({ grant_type: GRANT, client_id: 'other' }))],
    [
      'an unknown client_assertion_type',
      400,
      'invalid_request',
      () => post(form({ client_assertion: 'x', client_assertion_type: 'y' }), FORM),
    ],
    [
      'a client assertion without sub',
      401,
      'invalid_client',
      () => post(form({ client_assertion: 'x.y.z', ...ASSERTED }), FORM),
    ],
    [
      'a client assertion whose sub differs from client_id',
      401,
      'invalid_client',
      () => post(form({ client_id: 'other', client_assertion: CLIENT_ASSERTION, ...ASSERTED }), FORM),
    ],
    ...['["k"]', '{"k":1}', '7', 'null', `"${'k'.repeat(40_000)}"`, '"a","kid":"b"'].map(
      (kid): [string, number, string, () => Request] => [
        `a client assertion with the kid ${kid.slice(0, 12)}`,
        401,
        'invalid_client',
        () =>
          post(form({ client_assertion: assertionWith(`{"alg":"ES256","kid":${kid}}`), ...ASSERTED }), {
            ...FORM,
          }),
      ],
    ),
    [
      'a certificate header without clientCertificateHeader',
      401,
      'invalid_client',
      () => post(form({ grant_type: GRANT, client_id: 'bot' }), { ...FORM, 'client-cert': ':MIIB:' }),
    ],
    ['an empty body', 401, 'invalid_client', () => post('', FORM)],
  ])('refuses %s', async (_name, status, error, request) => {
    const response = await endpoint()(await request());
    expect(response.status).toBe(status);
    expect(response.headers.get('cache-control')).toBe('no-store');
    await expect(response.json()).resolves.toMatchObject({ error });
    expect(records).toEqual([expect.objectContaining({ granted: false, error })]);
  });

  it('refuses a body that is not UTF-8', async () => {
    const response = await endpoint()(post(new Uint8Array([0x61, 0x3d, 0xff])));
    await expect(response.json()).resolves.toEqual({
      error: 'invalid_request',
      error_description: 'the body cannot be read',
    });
  });

  it('accepts a client that authenticates by the certificate in the header of a proxy', async () => {
    const behindProxy = endpoint({
      clientCertificateHeader: 'Client-Cert',
      authenticateClient: (client) => {
        presented.push(client);
        return client.method === 'tls_client_auth' && client.clientCertificate === ':MIIB:'
          ? client.clientId
          : undefined;
      },
    });
    const body = form({ grant_type: GRANT, assertion: await idJag(), client_id: 'bot' });
    const send = async (certificate: Record<string, string>) =>
      (await behindProxy(post(body, { ...FORM, ...certificate }))).status;
    await expect(send({ 'client-cert': ':MIIB:' })).resolves.toBe(200);
    await expect(send({ 'client-cert': ':MIIC:' })).resolves.toBe(401);
    await expect(send({ 'client-cert': '' })).resolves.toBe(401);
    await expect(send({})).resolves.toBe(401);
    // authenticateClient is not called for a request without a certificate.
    expect(presented.map(({ method }) => method)).toEqual(['tls_client_auth', 'tls_client_auth']);
  });

  it('sends WWW-Authenticate to a client that failed with Basic, and records its claimedClientId only', async () => {
    const response = await endpoint()(post('a=b', { ...FORM, authorization: `Basic ${btoa('bot:wrong')}` }));
    expect(response.headers.get('www-authenticate')).toMatch(/^Basic /u);
    expect(records).toEqual([expect.objectContaining({ claimedClientId: 'bot' })]);
    expect(records[0]).not.toHaveProperty('clientId');
  });

  it('records no credential of the request, whichever parameter contains it', async () => {
    const opaque = `opaque_${'0123456789abcdefghij'.repeat(3)}`;
    const secret = 'Zx9_~!+/=passphrase';
    const basic = { authorization: `Basic ${btoa(`bot:${encodeURIComponent(secret)}`)}` };
    const proof = await dpopProof(`${AS}/token`);
    const granting = { grant_type: GRANT, assertion: await idJag() };
    const posted = { client_id: 'bot', client_secret: secret };
    const dpop = { tokenEndpoint: `${AS}/token` };
    const authenticateClient = ({ clientId }: PresentedClient) => (clientId === 'bot' ? clientId : undefined);
    const requests: [Record<string, string>, Record<string, string>][] = [
      [{ ...granting, scope: secret }, basic],
      [{ ...granting, scope: basic.authorization.slice(6) }, basic],
      [{ ...granting, resource: `urn:x:${secret}` }, basic],
      [{ ...granting, ...posted, scope: secret }, {}],
      [{ ...granting, ...posted, resource: `urn:x:${secret}` }, {}],
      [{ ...granting, ...posted, scope: proof.split('.')[2] ?? '' }, { dpop: proof }],
      [{ ...granting, ...posted, client_id: secret, client_secret: secret }, {}],
      [{ ...granting, client_id: encodeURIComponent(secret), client_secret: secret }, {}],
      [{ ...granting, scope: encodeURIComponent(secret), resource: `urn:x:${btoa(secret)}` }, basic],
      [{ ...granting, scope: Buffer.from(secret).toString('hex') }, basic],
      [{ ...granting, ...posted, scope: encodeURIComponent(encodeURIComponent(secret)) }, {}],
      [{ ...granting, assertion: opaque, client_id: opaque, client_secret: 'x' }, {}],
      [{ ...granting, ...ASSERTED, client_assertion: CLIENT_ASSERTION, subject_token: opaque, scope: opaque }, {}],
    ];
    for (const [parameters, headers] of requests) {
      await endpoint({ dpop, authenticateClient })(post(form(parameters), { ...FORM, ...headers }));
    }
    expect(records).toHaveLength(requests.length);
    const shown = JSON.stringify(records.map(({ clientId: _registered, ...record }) => record));
    const spellings = [encodeURIComponent(secret), btoa(secret), Buffer.from(secret).toString('hex')];
    for (const part of [secret, ...spellings, basic.authorization.slice(6), opaque, ...proof.split('.')]) {
      expect(shown).not.toContain(part);
    }
    expect(records[11]).toMatchObject({ claimedClientId: '[redacted]' });
  });

  it('stops reading a body that never ends', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(1024).fill(97));
      },
    });
    const request = new Request(`${AS}/token`, { method: 'POST', headers: FORM, body, duplex: 'half' });
    const response = await endpoint({ maxBodyBytes: 10_000 })(request);
    expect(response.status).toBe(400);
    await expect(response.json()).resolves.toMatchObject({ error_description: 'the body is too large' });
    expect(sent).toBeLessThan(20);
  });

  it('refuses more than 100 parameters before it authenticates the client', async () => {
    const many = Array.from({ length: 11_000 }, (_, at) => `${at.toString(36)}=1`).join('&');
    await expect((await endpoint()(post(many, FORM))).json()).resolves.toEqual({
      error: 'invalid_request',
      error_description: 'there are too many parameters',
    });
    const some = Array.from({ length: 90 }, (_, at) => `p${at}=1`).join('&');
    expect((await endpoint()(post(`${await (await goodRequest()).text()}&${some}`))).status).toBe(200);
  });

  it('accepts POST only', async () => {
    const response = await endpoint()(new Request(`${AS}/token`));
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });

  const secret = new RangeError('secret');
  const throwing = () => {
    throw secret;
  };
  it.each<[string, Partial<IdJagTokenEndpointOptions>]>([
    ['authenticateClient', { authenticateClient: throwing }],
    [
      'tenantOfClient',
      { tenantOfClient: throwing, issuers: { [IDP]: { audienceTenants: ['t'], jwks: { keys: [] } } } },
    ],
    ['scopesFor', { scopesFor: () => Promise.reject(secret) }],
    ['tokenClaims', { tokenClaims: throwing }],
    ['account', { account: () => Promise.reject(secret) }],
    ['issueAccessToken', { issueAccessToken: () => Promise.reject(secret) }],
  ])('records that %s failed, passes the error to onError, and sends neither to the client', async (name, failing) => {
    const failures: unknown[] = [];
    const response = await endpoint({ ...failing, onError: (error) => failures.push(error) })(await goodRequest());
    expect(response.status).toBe(500);
    await expect(response.json()).resolves.toEqual({
      error: 'server_error',
      error_description: 'the request failed',
    });
    expect(records).toMatchObject([{ granted: false, error: 'server_error', reason: `${name} failed: RangeError` }]);
    expect(failures).toEqual([secret]);
  });

  it.each<[string, NonNullable<IdJagTokenEndpointOptions['audit']>]>([
    ['throws', throwing],
    ['rejects', () => Promise.reject(secret)],
  ])('refuses every grant with server_error if audit %s, and does not change refusals', async (_name, failing) => {
    const failures: unknown[] = [];
    const audited: RedeemAuditRecord[] = [];
    const handler = endpoint({
      audit: (record) => {
        audited.push(record);
        return failing(record);
      },
      onError: (error) => failures.push(error),
    });
    const granting = await handler(await goodRequest());
    expect(granting.status).toBe(500);
    expect(await granting.json()).toMatchObject({ error: 'server_error' });
    expect(audited).toMatchObject([{ granted: true }, { granted: false, reason: 'audit failed: RangeError' }]);
    const refusing = await handler(post('grant_type=x'));
    expect(refusing.status).toBe(400);
    expect(await refusing.json()).toMatchObject({ error: 'unsupported_grant_type' });
    expect(failures).toEqual([secret, secret, secret]);
  });

  it('awaits audit, and ignores errors and rejections of onError', async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    let isRecorded = false;
    const slow = endpoint({
      audit: async () => {
        await immediate();
        isRecorded = true;
      },
    });
    expect((await slow(await goodRequest())).status).toBe(200);
    expect(isRecorded).toBe(true);
    for (const onError of [throwing, () => Promise.reject(secret)] as (() => void)[]) {
      const response = await endpoint({ account: throwing, onError })(await goodRequest());
      await expect(response.json()).resolves.toMatchObject({ error: 'server_error' });
    }
    // Node.js reports unhandled rejections after the microtasks have run.
    await immediate();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('waits ten seconds for an audit that never ends, calls it again for the failure, and does not wait again', async () => {
    const request = await goodRequest();
    const granted: boolean[] = [];
    const audit = (record: RedeemAuditRecord) => {
      granted.push(record.granted);
      return new Promise<void>(() => {});
    };
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const response = endpoint({ audit })(request);
      // The steps before the record take no time on the clock of the test.
      while (granted.length === 0) await immediate();
      await jest.advanceTimersByTimeAsync(10_000);
      await expect((await response).json()).resolves.toMatchObject({ error: 'server_error' });
      expect(granted).toEqual([true, false]);
    } finally {
      jest.useRealTimers();
    }
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['null as client', { authenticateClient: () => null }, 'invalid_client'],
    ['true as client', { authenticateClient: () => true }, 'invalid_client'],
    ['no access token', { issueAccessToken: () => undefined }, 'server_error'],
  ])('refuses the request if a callback returns %s', async (_name, options, error) => {
    await expect((await endpoint(options)(await goodRequest())).json()).resolves.toMatchObject({ error });
  });

  it('sends the GrantRefusal of a callback to the client', async () => {
    const refusing = endpoint({
      authenticateClient: () => {
        throw new GrantRefusal('unauthorized_client', 'the grant is not for this “client”, é\n', 'not enabled “yet”');
      },
    });
    const response = await refusing(await goodRequest());
    await expect(response.json()).resolves.toEqual({
      error: 'unauthorized_client',
      // RFC 6749 section 5.2: ASCII without quotes.
      error_description: "the grant is not for this 'client', '",
    });
    expect(records).toMatchObject([{ reason: 'not enabled “yet”' }]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['issuer', { issuer: '' }],
    ['issuer', { issuer: 'as.example' }],
    ['issuer', { issuer: 'http://as.example' }],
    ['issuer', { issuer: `${AS}?a` }],
    ['issuer', { issuer: `${AS}#a`, dpop: { tokenEndpoint: '/token' } }],
    ['issuer', { issuer: undefined }],
    ['itself', { issuers: { [AS]: {} } }],
    ['dpop.tokenEndpoint', { dpop: { tokenEndpoint: '/token' } }],
    ['dpop.maxAgeSeconds', { dpop: { tokenEndpoint: `${AS}/token`, maxAgeSeconds: Number.NaN } }],
    ['maxBodyBytes', { maxBodyBytes: Number.NaN }],
    ['maxBodyBytes', { maxBodyBytes: 0 }],
    ['authenticateClient', { authenticateClient: undefined }],
    ['issueAccessToken', { issueAccessToken: 'jwt' }],
    ['scopeFor', { scopeFor: () => [] }],
    ['onError', { onError: 'x' }],
    ['accessTokenFormat', { resources: { [RESOURCE]: { scopes: [], accessTokenFormat: 'jwt' } } }],
    ['clientCertificateHeader', { clientCertificateHeader: 'x cert' }],
  ])('throws a TypeError for an invalid %s: %j', (name, options) => {
    expect(() => endpoint(options)).toThrow(TypeError);
    expect(() => endpoint(options)).toThrow(name);
  });

  it('accepts an issuer on loopback, and an issuer with a path', () => {
    expect(() => endpoint({ issuer: 'http://127.0.0.1:3000' })).not.toThrow();
    expect(() => endpoint({ issuer: 'https://as.example/tenant' })).not.toThrow();
  });
});

describe('withIdJagMetadata', () => {
  it.each<[object, string[]]>([
    [{}, ['none']],
    [{ response_types_supported: [] }, ['none']],
    [{ response_types_supported: 'code' }, ['none']],
    [{ authorization_endpoint: `${AS}/authorize` }, ['code']],
    [{ response_types_supported: ['code', 'id_token'] }, ['code', 'id_token']],
  ])('never has an empty list of response types: %j becomes %j', (metadata, types) => {
    expect(withIdJagMetadata({ issuer: AS, ...metadata })).toMatchObject({ response_types_supported: types });
  });

  it('keeps the members of the metadata and adds to their lists', () => {
    expect(withIdJagMetadata({ issuer: AS, grant_types_supported: ['client_credentials'] }, { dpop: {} })).toEqual({
      issuer: AS,
      response_types_supported: ['none'],
      grant_types_supported: ['client_credentials', GRANT, GRANT.replace('bearer', 'dpop')],
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'EdDSA']),
    });
    expect(withIdJagMetadata({})).toMatchObject({ grant_types_supported: ['authorization_code', 'implicit', GRANT] });
  });
});
