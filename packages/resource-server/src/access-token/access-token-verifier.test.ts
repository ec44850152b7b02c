import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createSigningKeys, type SigningKeys } from '@credence/identity-provider';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import type { OAuthTokenVerifier } from '@modelcontextprotocol/sdk/server/auth/provider.js';
import { OAuthError, OAuthErrorCode, requireBearerAuth as requireBearerAuthV2 } from '@modelcontextprotocol/server';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import { Bot } from '../../../../test/support/roles/bot.ts';
import { type Loopback, loopback } from '../../../../test/support/roles/loopback.ts';
import {
  JWT_RESOURCE,
  OPAQUE_RESOURCE,
  RS_SECRET,
  startWorld,
  type World,
} from '../../../../test/support/roles/world.ts';
import { accessTokenVerifier, type AccessTokenVerifierOptions } from './access-token-verifier.ts';
import { callerOf } from '../gate/caller.ts';
import type { AccessRefusal } from './refusals.ts';

describe('JWT access tokens', () => {
  const RESOURCE = 'https://mcp.example/mcp';
  let as: Loopback;
  let keys: SigningKeys;

  beforeEach(async () => {
    [as, keys] = await Promise.all([loopback(), createSigningKeys({ algorithms: ['ES256', 'EdDSA'] })]);
    as.serve((request, response) => {
      const metadata = { issuer: as.origin, jwks_uri: `${as.origin}/jwks` };
      response.end(JSON.stringify(request.url === '/jwks' ? keys.publicJwks() : metadata));
    });
  });
  afterEach(() => as.close());

  const verify = (token: string, more: Partial<AccessTokenVerifierOptions> = {}) =>
    accessTokenVerifier({
      issuer: as.origin,
      resource: RESOURCE,
      jwt: {},
      ...more,
    } as AccessTokenVerifierOptions).verifyAccessToken(token);

  function token(claims: Record<string, unknown> = {}, options: { typ?: string; algorithm?: 'ES256' | 'EdDSA' } = {}) {
    const iat = Math.floor(Date.now() / 1000);
    const good = {
      iss: as.origin,
      sub: 's',
      aud: RESOURCE,
      client_id: 'c',
      jti: 'j',
      iat,
      exp: iat + 60,
      scope: 'a b',
    };
    const all = JSON.parse(JSON.stringify({ ...good, ...claims })) as Record<string, unknown>;
    return keys.sign(all, { typ: options.typ ?? 'at+jwt', algorithm: options.algorithm });
  }

  it('yield the caller', async () => {
    const signed = await token({ act: { sub: 'operator' } });
    await expect(verify(signed)).resolves.toEqual({
      token: signed,
      clientId: 'c',
      scopes: ['a', 'b'],
      expiresAt: expect.any(Number),
      resource: new URL(RESOURCE),
      extra: {
        subject: 's',
        issuer: as.origin,
        actor: { sub: 'operator' },
        claims: expect.objectContaining({ jti: 'j' }),
      },
    });
  });

  it('without a kid are verified with each key of the key set, and unusable keys are skipped', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256');
    const tooShort = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const published = { keys: [tooShort, await exportJWK(publicKey)] };
    as.serve((_request, response) => response.end(JSON.stringify(published)));
    const signed = await new SignJWT(decodeJwt(await token()))
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt' })
      .sign(privateKey);
    await expect(verify(signed, { jwt: { jwksUri: `${as.origin}/jwks` } })).resolves.toMatchObject({ clientId: 'c' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['with several audiences', { aud: ['https://other.example', RESOURCE] }],
    ['without a scope', { scope: undefined }],
  ])('are accepted %s', async (_name, claims) => {
    await expect(verify(await token(claims))).resolves.toMatchObject({ clientId: 'c' });
  });

  it.each<[string, Record<string, unknown>, { typ?: string }]>([
    ['for another resource', { aud: 'https://other.example/mcp' }, {}],
    ['for the resource with a trailing slash', { aud: `${RESOURCE}/` }, {}],
    ['without an audience', { aud: undefined }, {}],
    ['of another issuer', { iss: 'https://other.example' }, {}],
    ['that have expired', { exp: Math.floor(Date.now() / 1000) - 10 }, {}],
    ['without exp', { exp: undefined }, {}],
    ['that are not valid yet', { nbf: Math.floor(Date.now() / 1000) + 60 }, {}],
    ['without a client_id', { client_id: undefined }, {}],
    ['without an issuer', { iss: undefined }, {}],
    ['without a subject', { sub: undefined }, {}],
    ['with an empty subject', { sub: '' }, {}],
    ['that are bound to a key', { cnf: { jkt: 'x' } }, {}],
    ['that are ID-JAGs', {}, { typ: 'oauth-id-jag+jwt' }],
    ['that are ID tokens', {}, { typ: 'JWT' }],
  ])("%s are refused with the SDK's InvalidTokenError", async (_name, claims, header) => {
    await expect(verify(await token(claims, header))).rejects.toBeInstanceOf(InvalidTokenError);
  });

  it('without a required claim are refused, and the message names the claim', async () => {
    await expect(verify(await token({ aud: undefined }))).rejects.toThrow('The token lacks aud, or it is malformed');
  });

  it.each([
    ['that are not JWTs', () => 'nonsense'],
    ['with an invalid signature', async () => `${(await token()).slice(0, -6)}AAAAAA`],
    ['of 20 kB', async () => token({ padding: 'x'.repeat(20_000) })],
  ])('%s are refused', async (_name, forge) => {
    await expect(verify(await forge())).rejects.toBeInstanceOf(InvalidTokenError);
  });

  it('may be bound by the key itself in place of its thumbprint', async () => {
    const jwk = await exportJWK((await generateKeyPair('ES256')).publicKey);
    const thumbprint = await calculateJwkThumbprint(jwk);
    const bound = await token({ cnf: { jwk } });
    const verifier = accessTokenVerifier({ issuer: as.origin, resource: RESOURCE, jwt: {} });
    await expect(verifier.checkAccessToken(bound, thumbprint)).resolves.toMatchObject({ clientId: 'c' });
    await expect(verifier.checkAccessToken(bound, 'x'.repeat(43))).resolves.toMatchObject({ code: 'proof_mismatch' });
    await expect(verifier.checkAccessToken(bound)).resolves.toMatchObject({ code: 'bound_to_key' });
  });

  it('with an algorithm that is not allowed are refused', async () => {
    const signed = await token({}, { algorithm: 'EdDSA' });
    await expect(verify(signed)).resolves.toBeDefined();
    await expect(verify(signed, { jwt: { algorithms: ['ES256'] } })).rejects.toBeInstanceOf(InvalidTokenError);
  });

  it('are refused with the same codes as ID-JAGs with the same fault', async () => {
    const records: string[] = [];
    const onRefused = ({ code, reason }: AccessRefusal) => void records.push(`${code}: ${reason}`);
    const { privateKey } = await generateKeyPair('ES256');
    const signedBy = (kid: string) =>
      new SignJWT({}).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).sign(privateKey);
    const kid = String(keys.publicJwks().keys[0]?.kid);
    const bad = [
      'an-opaque-token',
      await token({}, { typ: 'oauth-id-jag+jwt' }),
      await signedBy('granted to admin'),
      await signedBy(kid),
      await token({ exp: undefined }),
    ];
    for (const each of bad) await expect(verify(each, { onRefused })).rejects.toBeInstanceOf(InvalidTokenError);
    expect(records).toEqual([
      'malformed: The token is not a signed JWT',
      'wrong_type: The token is not a JWT access token: "oauth-id-jag+jwt"',
      'unknown_key: The authorization server does not publish the signing key: "granted to admin"',
      'bad_signature: The signature is not valid',
      'missing_claim: The token lacks exp, or it is malformed',
    ]);
  });

  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  it.each<[string, string]>([
    ['a typ that cannot be made a string', '{"alg":"ES256","typ":{"toString":1,"valueOf":1}}'],
    ['a typ of 5000 nested lists', `{"alg":"ES256","typ":${deep}}`],
    ['a kid that cannot be made a string', '{"alg":"ES256","typ":"at+jwt","kid":{"toString":1,"valueOf":1}}'],
    ['a kid of 5000 nested lists', `{"alg":"ES256","typ":"at+jwt","kid":${deep}}`],
    ['a kid that is a number', '{"alg":"ES256","typ":"at+jwt","kid":7}'],
    ['a kid that is null', '{"alg":"ES256","typ":"at+jwt","kid":null}'],
    ['a list as kid', '{"alg":"ES256","typ":"at+jwt","kid":["k"]}'],
    ['a kid of 8000 characters', `{"alg":"ES256","typ":"at+jwt","kid":"${'k'.repeat(8000)}"}`],
    ['a kid of 1 MB', `{"alg":"ES256","typ":"at+jwt","kid":"${'k'.repeat(2 ** 20)}"}`],
    ['a repeated kid', '{"alg":"ES256","typ":"at+jwt","kid":"a","kid":"b"}'],
    ['a list as jku', '{"alg":"ES256","typ":"at+jwt","jku":["https://evil.example"]}'],
    ['a text as jwk', '{"alg":"ES256","typ":"at+jwt","jwk":"k"}'],
    ['a critical extension', '{"alg":"ES256","typ":"at+jwt","crit":["exp"]}'],
  ])('with %s are refused as malformed, and the refusal is reported', async (_name, header) => {
    const records: AccessRefusal[] = [];
    const onRefused = (record: AccessRefusal) => void records.push(record);
    const forged = `${Buffer.from(header).toString('base64url')}.e30.${'A'.repeat(86)}`;
    await expect(verify(forged, { onRefused })).rejects.toBeInstanceOf(InvalidTokenError);
    expect(records).toMatchObject([{ code: 'malformed' }]);
  });

  it('without a typ or without a known key are refused, and the reason quotes no value', async () => {
    const records: string[] = [];
    const onRefused = ({ reason }: AccessRefusal) => void records.push(reason);
    const forged = (header: object) => `${Buffer.from(JSON.stringify(header)).toString('base64url')}.e30.AAAA`;
    for (const header of [{ alg: 'ES256' }, { alg: 'ES512', typ: 'at+jwt' }]) {
      await expect(verify(forged(header), { onRefused })).rejects.toBeInstanceOf(InvalidTokenError);
    }
    expect(records).toEqual([
      'The token is not a JWT access token',
      'The authorization server does not publish the signing key',
    ]);
  });

  it('cause a recorded TokenVerificationUnavailableError if the verification fails in an unexpected way', async () => {
    const records: AccessRefusal[] = [];
    const onRefused = (record: AccessRefusal) => void records.push(record);
    const now = jest.fn(() => new Date());
    now.mockImplementationOnce(() => {
      throw new RangeError('the clock failed for eyJhbGciOiJ');
    });
    await expect(verify(await token(), { onRefused, now })).rejects.toMatchObject({
      name: 'TokenVerificationUnavailableError',
      reason: 'unexpected failure: RangeError',
      cause: expect.any(RangeError),
    });
    expect(records).toMatchObject([{ code: 'verification_unavailable', reason: 'unexpected failure: RangeError' }]);
  });

  it('with a critical header extension are refused', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const published = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }] };
    as.serve((_request, response) => response.end(JSON.stringify(published)));
    const header = { alg: 'ES256', typ: 'at+jwt', kid: 'k', crit: ['urn:example'], 'urn:example': true };
    const signed = await new SignJWT(decodeJwt(await token()))
      .setProtectedHeader(header)
      .sign(privateKey, { crit: { 'urn:example': true } });
    const jwt = { jwksUri: `${as.origin}/jwks` };
    await expect(verify(signed, { jwt })).rejects.toBeInstanceOf(InvalidTokenError);
  });

  it("yield the caller's tenants", async () => {
    const callerWith = async (claims: Record<string, unknown>) =>
      callerOf({ authInfo: await verify(await token(claims)) });
    await expect(callerWith({ tenant: 'red', aud_tenant: 'acme' })).resolves.toMatchObject({
      tenant: 'red',
      audienceTenant: 'acme',
    });
    expect(Object.keys(await callerWith({ tenant: ['red'] }))).not.toContain('tenant');
  });

  it('are accepted and refused by requireBearerAuth of SDK v1', async () => {
    const app = express();
    const verifier: OAuthTokenVerifier = accessTokenVerifier({ issuer: as.origin, resource: RESOURCE, jwt: {} });
    app.use(requireBearerAuth({ verifier, expectedResource: new URL(RESOURCE) }));
    app.use((request, response) => {
      response.json(callerOf({ authInfo: request.auth }).subject);
    });
    const server = createServer(app);
    const home = await loopback();
    home.serve((request, response) => server.emit('request', request, response));
    try {
      const call = (bearer: string) => fetch(home.origin, { headers: { authorization: `Bearer ${bearer}` } });
      await expect((await call(await token())).json()).resolves.toBe('s');
      const refused = await call(await token({ aud: 'https://other.example' }));
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    } finally {
      await home.close();
    }
  });

  it('cause a TokenVerificationUnavailableError if the keys cannot be fetched, so that the client keeps its token', async () => {
    const signed = await token();
    as.serve((_request, response) => response.writeHead(503).end());
    await expect(verify(signed)).rejects.toMatchObject({ name: 'TokenVerificationUnavailableError' });
  });

  it('are accepted and refused by requireBearerAuth of SDK v2 with its own error class', async () => {
    const errors = { invalidToken: (message: string) => new OAuthError(OAuthErrorCode.InvalidToken, message) };
    const options = { issuer: as.origin, resource: RESOURCE, jwt: {} };
    const call = (bearer: string, more: { errors?: typeof errors }) =>
      requireBearerAuthV2({
        verifier: accessTokenVerifier({ ...options, ...more }),
        expectedResource: new URL(RESOURCE),
      })(new Request(RESOURCE, { headers: { authorization: `Bearer ${bearer}` } }));
    await expect(call(await token(), { errors })).resolves.toMatchObject({ clientId: 'c' });
    const refused = await call('nonsense', { errors });
    expect(refused).toMatchObject({ status: 401 });
    expect((refused as Response).headers.get('www-authenticate')).toContain('invalid_token');
    await expect(call('nonsense', {})).resolves.toMatchObject({ status: 500 });
  });

  it('that are refused are reported to onRefused', async () => {
    const records: AccessRefusal[] = [];
    const onRefused = (record: AccessRefusal) => void records.push(record);
    const refused = await token({ aud: `${RESOURCE}/` });
    await expect(verify(refused, { onRefused })).rejects.toThrow('The token is for another resource');
    as.serve((_request, response) => response.writeHead(503).end());
    await expect(verify(await token(), { onRefused, issuer: `${as.origin}/away` })).rejects.toThrow();
    expect(records).toEqual([
      expect.objectContaining({
        code: 'wrong_audience',
        reason: `The token is for another resource: "${RESOURCE}/"`,
        clientId: 'c',
        subject: 's',
        jti: 'j',
      }),
      expect.objectContaining({ code: 'verification_unavailable', remedy: expect.stringContaining('jwt.jwksUri') }),
    ]);
    expect(JSON.stringify(records)).not.toContain(refused);
  });
});

describe('opaque access tokens', () => {
  let world: World;
  let bot: Bot;

  beforeAll(async () => {
    world = await startWorld();
    bot = new Bot(world);
  });
  afterAll(() => world.close());

  const opaque = (cacheSeconds = 0, resource = OPAQUE_RESOURCE, now?: () => Date) =>
    accessTokenVerifier({
      issuer: world.as.issuer,
      resource,
      introspection: { clientId: 'resource-server', clientSecret: RS_SECRET, cacheSeconds },
      now,
    });

  async function accessToken(dpop?: oauth.DPoPHandle): Promise<string> {
    const { body } = await bot.redeem(await bot.idJag(), {}, dpop === undefined ? {} : { dpop });
    return String(body['access_token']);
  }

  it('are refused after they are revoked', async () => {
    const token = await accessToken();
    const verifier = opaque();
    await verifier.verifyAccessToken(token);
    await bot.revoke(token);
    await expect(verifier.verifyAccessToken(token)).rejects.toBeInstanceOf(InvalidTokenError);
  });

  it('are introspected once within cacheSeconds, and again afterwards', async () => {
    let now = Date.now();
    const verifier = opaque(10, OPAQUE_RESOURCE, () => new Date(now));
    const token = await accessToken();
    const before = world.as.server.hits.get('/token/introspection') ?? 0;
    for (let call = 0; call < 5; call += 1) await verifier.verifyAccessToken(token);
    expect(world.as.server.hits.get('/token/introspection')).toBe(before + 1);
    await bot.revoke(token);
    now += 11_000;
    await expect(verifier.verifyAccessToken(token)).rejects.toBeInstanceOf(InvalidTokenError);
  });

  it('for another resource are refused', async () => {
    await expect(opaque(0, JWT_RESOURCE).verifyAccessToken(await accessToken())).rejects.toBeInstanceOf(
      InvalidTokenError,
    );
  });

  it('that are bound to a key are refused as bearer tokens', async () => {
    const token = await accessToken(oauth.DPoP({}, await oauth.generateKeyPair('ES256')));
    await expect(opaque().verifyAccessToken(token)).rejects.toBeInstanceOf(InvalidTokenError);
  });

  it('cause a TokenVerificationUnavailableError if introspection.clientSecret is wrong', async () => {
    const verifier = accessTokenVerifier({
      issuer: world.as.issuer,
      resource: OPAQUE_RESOURCE,
      introspection: { clientId: 'resource-server', clientSecret: 'wrong' },
    });
    const failure: unknown = await verifier.verifyAccessToken(await accessToken()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'TokenVerificationUnavailableError' });
    expect(JSON.stringify(failure)).not.toContain('wrong');
  });

  it('are accepted and refused by requireBearerAuth of SDK v1', async () => {
    const app = express();
    const verifier: OAuthTokenVerifier = opaque();
    app.use(requireBearerAuth({ verifier, expectedResource: new URL(OPAQUE_RESOURCE) }));
    app.use((_request, response) => {
      response.json({ ok: true });
    });
    const server = createServer(app);
    const home = await loopback();
    home.serve((request, response) => server.emit('request', request, response));
    try {
      const call = (token: string) => fetch(home.origin, { headers: { authorization: `Bearer ${token}` } });
      const refused = await call('unknown');
      expect(refused.status).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('invalid_token');
      expect((await call(await accessToken())).status).toBe(200);
    } finally {
      await home.close();
    }
  });
});

describe('invalid options of accessTokenVerifier', () => {
  const good = { issuer: 'https://as.example', resource: 'https://mcp.example' };
  const introspection = { clientId: 'c', clientSecret: 's' };

  it.each<[string, Record<string, unknown>]>([
    ['as is not an absolute URL', { ...good, issuer: 'as', jwt: {} }],
    ['set either jwt or introspection', good],
    ['set either jwt or introspection', { ...good, jwt: {}, introspection }],
    ['neither https nor on loopback', { ...good, issuer: 'http://as.example', jwt: {} }],
    ['neither https nor on loopback', { ...good, jwt: { jwksUri: 'http://as.example/jwks' } }],
    ['neither https nor on loopback', { ...good, issuer: 'http://as.example', introspection }],
    ['neither https nor on loopback', { ...good, introspection: { ...introspection, endpoint: 'http://as.example' } }],
    ['clockToleranceSeconds is not a number', { ...good, jwt: {}, clockToleranceSeconds: Number('unset') }],
    ['cacheSeconds is not a number', { ...good, introspection: { ...introspection, cacheSeconds: Number('unset') } }],
    ['clientSecret', { ...good, introspection: { clientId: 'c', clientSecret: process.env['UNSET'] } }],
    ['accessTokenVerifier: introspection.clientId is not a string', { ...good, introspection: {} }],
    ['jwt.algorithms is not a list', { ...good, jwt: { algorithms: 'ES256' } }],
    ['jwt.algorithms is empty', { ...good, jwt: { algorithms: [] } }],
    ['clockToleranceSeconds is not a number of 0 to 3600', { ...good, jwt: {}, clockToleranceSeconds: 3601 }],
    ['onRefused is not a function', { ...good, jwt: {}, onRefused: 'log' }],
  ])('cause a TypeError: %s', (message, options) => {
    expect(() => accessTokenVerifier(options as unknown as AccessTokenVerifierOptions)).toThrow(message);
  });

  it('do not include an introspection endpoint with http on loopback', () => {
    const endpoint = 'http://127.0.0.1:9/introspect';
    expect(() => accessTokenVerifier({ ...good, introspection: { ...introspection, endpoint } })).not.toThrow();
  });
});
