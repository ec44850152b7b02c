import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { IdpOptions, WorkloadTokenSource } from '@credence/core';
import { answers } from '@credence/testing';
import { decodeJwt, jwtVerify } from 'jose';
import { idJag, MCP_URL, platformToken, startVendor, success, type Vendor } from '../../test-support/vendor.ts';
import { auth0 } from '../auth0.ts';
import { conductorOne } from './conductor-one.ts';
import { conductorOneFromEnv } from './environment.ts';

const TENANT = 'acme.conductor.one';
const ISSUER = `https://${TENANT}`;
const ENDPOINT = `${ISSUER}/auth/v1/token`;
const SPC = `clever-fox-42195@${TENANT}/spc`;
const WFE = `quiet-bear-88456@${TENANT}/wfe`;
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

function newSecret() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = privateKey.export({ format: 'jwk' });
  return { jwk, publicKey, secret: encoded(jwk) };
}
function encoded(jwk: object): string {
  return `secret-token:conductorone.com:v1:${Buffer.from(JSON.stringify(jwk)).toString('base64url')}`;
}
const { jwk, publicKey, secret } = newSecret();

const platform: WorkloadTokenSource = {
  platform: 'test',
  audience: 'any',
  renewable: true,
  local: false,
  claims: { iss: 'https://platform.example', sub: 'job' },
  getToken: ({ audience }) => platformToken(audience),
};

let vendor: Vendor | undefined;
afterEach(async () => vendor?.close());

/** Runs the whole chain, and returns the requests to C1. */
async function formsOf(idp: IdpOptions, ...own: Parameters<Vendor['answer']>[1][]) {
  const as = auth0({ domain: 'as.example', clientId: 'bot-at-as', secret: 'the-other-secret' });
  vendor = await startVendor(as.issuer);
  const claims = { iss: ISSUER, sub: 'pseudonym', aud: as.issuer, client_id: 'bot-at-as', resource: MCP_URL };
  vendor.answer(ENDPOINT, ...own, {
    body: { access_token: await idJag({ ...claims, scope: 'read' }), issued_token_type: ID_JAG, token_type: 'N_A' },
  });
  vendor.answer('https://as.example/oauth/token', success({ members: { scope: 'read', expires_in: 300 } }));
  const servers = { issues: as.server({ url: MCP_URL, scopes: ['read'], flow: 'enterprise-managed' }) };
  const bot = vendor.principal({ idp, servers });
  await bot.token('issues');
  return vendor.forms(ENDPOINT);
}

describe('conductorOne', () => {
  it('signs the assertion of C1 with the key in the secret, and exchanges its own access token', async () => {
    const before = Math.floor(Date.now() / 1_000);
    const [own, exchanged] = await formsOf(
      conductorOne({ clientId: SPC, clientSecret: secret }).idp(),
      success(answers.c1.ownToken(), { access_token: 'own-token' }),
    );
    expect(own).toEqual({
      grant_type: 'client_credentials',
      client_id: SPC,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: expect.any(String),
    });
    const { payload, protectedHeader } = await jwtVerify(own?.['client_assertion'] ?? '', publicKey, {
      issuer: SPC,
      subject: SPC,
    });
    expect(protectedHeader).toEqual({ alg: 'EdDSA', typ: 'JWT', nonce: expect.stringMatching(/^[\da-f]{32}$/u) });
    expect(payload.aud).toEqual([TENANT]);
    const nowSeconds = (payload.nbf ?? 0) + 120;
    expect(nowSeconds).toBeGreaterThanOrEqual(before);
    expect(nowSeconds).toBeLessThan(before + 30);
    expect(payload.exp).toBe(nowSeconds + 120);
    expect(exchanged).toMatchObject({ subject_token: 'own-token', subject_token_type: ACCESS_TOKEN, client_id: SPC });
    const [first, second] = [own, exchanged].map((form) => form?.['client_assertion']);
    expect(first).not.toBe(second);
  });

  it('posts the secret if that is configured', async () => {
    const idp = conductorOne({ clientId: SPC, clientSecret: secret, method: 'post' }).idp();
    const [own] = await formsOf(idp, success(answers.c1.ownToken()));
    expect(own).toEqual({ grant_type: 'client_credentials', client_id: SPC, client_secret: secret });
  });

  it('exchanges the token of a platform for its own access token, and that for the ID-JAG', async () => {
    const [federated, exchanged] = await formsOf(
      conductorOne({ clientId: WFE, workload: platform }).idp(),
      success(answers.c1.federatedToken(), { access_token: 'own-token' }),
    );
    expect(federated).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: expect.any(String),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      client_id: WFE,
    });
    expect(decodeJwt(federated?.['subject_token'] ?? '')).toMatchObject({ sub: 'job', aud: TENANT });
    expect(exchanged).toMatchObject({
      requested_token_type: ID_JAG,
      subject_token: 'own-token',
      subject_token_type: ACCESS_TOKEN,
      client_id: WFE,
    });
  });

  it('says what to compare if C1 refuses the token of the platform', async () => {
    const refused = formsOf(conductorOne({ clientId: WFE, workload: platform }).idp(), {
      status: 400,
      body: { error: 'invalid_grant' },
    });
    await expect(refused).rejects.toMatchObject({
      code: 'invalid_grant',
      leg: 'authenticate',
      contact: 'idp-admin',
      message: expect.stringContaining('did not accept the token of the platform'),
      remedy: expect.stringContaining('issuer, audience and subject of that token'),
    });
  });

  it('fails as the platform does, before a request to C1', async () => {
    const broken = { ...platform, getToken: async () => 'not-a-jwt-canary' };
    const failed = formsOf(conductorOne({ clientId: WFE, workload: broken }).idp());
    const error: unknown = await failed.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'credential_unavailable', leg: 'configure' });
    expect(`${inspect(error)} ${JSON.stringify(error)}`).not.toContain('canary');
    expect(vendor?.forms(ENDPOINT)).toEqual([]);
  });

  it('asks the platform once for callers at the same time, and again only for another own token', async () => {
    let asked = 0;
    const counted: WorkloadTokenSource = {
      ...platform,
      getToken: async (request) => {
        asked += 1;
        return platform.getToken(request);
      },
    };
    const as = auth0({ domain: 'as.example', clientId: 'bot-at-as', secret: 'the-other-secret' });
    vendor = await startVendor(as.issuer);
    vendor.answer(ENDPOINT, success(answers.c1.federatedToken()), answers.c1.notGranted());
    const servers = { issues: as.server({ url: MCP_URL, scopes: ['read'], flow: 'enterprise-managed' }) };
    const bot = vendor.principal({ idp: conductorOne({ clientId: WFE, workload: counted }).idp(), servers });
    const codes = await Promise.all(
      Array.from({ length: 20 }, async () => bot.token('issues').catch((error: { code: string }) => error.code)),
    );
    expect(new Set(codes)).toEqual(new Set(['invalid_grant']));
    expect(asked).toBeLessThanOrEqual(2);
  });

  it('uses an access token that another program has obtained', async () => {
    const [exchanged] = await formsOf(conductorOne({ clientId: SPC, accessToken: 'given' }).idp());
    expect(exchanged).toMatchObject({ subject_token: 'given', subject_token_type: ACCESS_TOKEN, client_id: SPC });
  });

  it('reads a secret from a file again after it was replaced, and keeps the last one while the file is broken', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'c1-'));
    try {
      const file = join(directory, 'secret');
      writeFileSync(file, `${secret}\n`);
      const { credential } = conductorOne({ clientId: SPC, clientSecret: { file } }).idp();
      const warnings: string[] = [];
      const assertion = async () => {
        const body = new URLSearchParams();
        await credential.authenticate({
          issuer: ISSUER,
          tokenEndpoint: ENDPOINT,
          body,
          headers: new Headers(),
          nowMs: Date.now(),
          warn: ({ message }) => warnings.push(message),
        });
        return body.get('client_assertion') ?? '';
      };
      await jwtVerify(await assertion(), publicKey);
      const fingerprint = await credential.fingerprint?.();
      writeFileSync(file, secret.slice(0, 60));
      await jwtVerify(await assertion(), publicKey);
      rmSync(file);
      await jwtVerify(await assertion(), publicKey);
      expect(warnings).toHaveLength(2);
      const next = newSecret();
      writeFileSync(file, next.secret);
      await jwtVerify(await assertion(), next.publicKey);
      expect(await credential.fingerprint?.()).not.toBe(fingerprint);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('takes the tenant from the client id, in each region, and lets the options replace it', () => {
    const issuer = (options: object) => conductorOne({ clientId: SPC, clientSecret: secret, ...options }).issuer;
    expect(issuer({})).toBe(ISSUER);
    expect(issuer({ clientId: 'a-b-1@acme.c1eu.ai/spc' })).toBe('https://acme.c1eu.ai');
    expect(issuer({ tenant: 'other' })).toBe('https://other.conductor.one');
    expect(issuer({ tenant: 'c1.acme.example' })).toBe('https://c1.acme.example');
    expect(issuer({ serverUrl: 'http://127.0.0.1:2443/', tenant: 'other' })).toBe('http://127.0.0.1:2443');
  });

  it('has the host without the port as audience', async () => {
    const { credential } = conductorOne({ clientId: 'a-b-1@acme.example:2443/spc', clientSecret: secret }).idp();
    const body = new URLSearchParams();
    await credential.authenticate({ issuer: '', tokenEndpoint: '', body, headers: new Headers(), nowMs: Date.now() });
    expect(decodeJwt(body.get('client_assertion') ?? '').aud).toEqual(['acme.example']);
  });

  const canary = 'c4nary';
  const { d: _d, ...publicJwk } = jwk;
  it.each([
    ['does not begin with "secret-token:"', { clientSecret: canary }],
    ['is the client id and not the secret', { clientSecret: SPC }],
    ['of a version other than v1', { clientSecret: `secret-token:conductorone.com:v2:${canary}` }],
    ['of a version other than v1', { clientSecret: `secret-token:elsewhere.example:v1:${canary}` }],
    ['not base64url', { clientSecret: `secret-token:conductorone.com:v1:${canary}!` }],
    ['is incomplete or was changed', { clientSecret: secret.slice(0, -20) }],
    ['not an Ed25519 key', { clientSecret: encoded({ kty: 'RSA', d: canary }) }],
    ['contains no private key', { clientSecret: encoded(publicJwk) }],
    ['the two halves of its key', { clientSecret: encoded({ ...jwk, x: newSecret().jwk.x }) }],
    ['does not begin with "secret-token:"', { clientSecret: canary, method: 'post' as const }],
    ['is the client secret', { clientId: secret, clientSecret: secret }],
    ['not a client id of C1', { clientId: `${canary}@/spc`, clientSecret: secret }],
    ['a federation trust (/wfe), which has no secret', { clientId: WFE, clientSecret: secret }],
    ['not that of a federation trust', { workload: platform }],
    ['no credential', {}],
    ['clientSecret and accessToken', { clientSecret: secret, accessToken: canary }],
    ['could not be read from the file', { clientSecret: { file: '/nowhere/secret' } }],
    ['serverUrl of conductorOne is not an https URL', { clientSecret: secret, serverUrl: 'http://acme.example' }],
  ])('refuses options that are wrong and shows nothing of them: %s (%#)', (message, options) => {
    let error: unknown;
    try {
      conductorOne({ clientId: SPC, ...options });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ leg: 'configure', contact: 'you', message: expect.stringContaining(message) });
    const shown = `${inspect(error)} ${JSON.stringify(error)}`;
    expect(shown).not.toContain(canary);
    expect(shown).not.toContain(jwk.d);
    expect(shown).not.toContain(secret.slice(40, 60));
  });

  it('calls a function for the secret before each request, and keeps the last one if it fails', async () => {
    const texts: unknown[] = [secret, undefined, 7, `${secret}\n`];
    const { credential } = conductorOne({ clientId: SPC, clientSecret: () => texts.shift() as string }).idp();
    const request = { issuer: ISSUER, tokenEndpoint: ENDPOINT, headers: new Headers(), nowMs: Date.now() };
    for (let count = 0; count < 4; count += 1) {
      const body = new URLSearchParams();
      await credential.authenticate({ ...request, body });
      await jwtVerify(body.get('client_assertion') ?? '', publicKey);
    }
    expect(await credential.fingerprint?.()).toBeUndefined();
    const failing = conductorOne({ clientId: SPC, clientSecret: () => Promise.reject(new Error(canary)) }).idp();
    const error: unknown = await Promise.resolve(
      failing.credential.authenticate({ ...request, body: new URLSearchParams() }),
    ).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'credential_unavailable', remedy: expect.stringContaining('function') });
    expect(`${inspect(error)} ${JSON.stringify(error)}`).not.toContain(canary);
  });

  it('shows no secret', () => {
    const preset = conductorOne({ clientId: SPC, clientSecret: secret });
    const shown = `${inspect({ preset, idp: preset.idp() }, { depth: 9 })} ${JSON.stringify(preset.idp())}`;
    expect(shown).not.toContain(secret.slice(40, 60));
    expect(shown).not.toContain(jwk.d);
  });

  it('is no authorization server', () => {
    const preset = conductorOne({ clientId: SPC, clientSecret: secret });
    expect(() => preset.server({} as never)).toThrow('not the authorization server of an MCP server');
  });
});

describe('conductorOneFromEnv', () => {
  const all = {
    CONDUCTORONE_ACCESS_TOKEN: 'given',
    CONDUCTORONE_OIDC_TOKEN: 'platform-token',
    CONDUCTORONE_CLIENT_ID: WFE,
    CONDUCTORONE_CLIENT_SECRET: secret,
  };
  const subjectOf = (env: Record<string, string>) => conductorOneFromEnv(env)?.idp().subject;

  it('uses the access token, then the token of a platform, then the secret', async () => {
    const given = await subjectOf(all)?.get({ signal: new AbortController().signal } as never);
    expect(given?.token).toBe('given');
    const token = await platformToken(TENANT);
    const env = { CONDUCTORONE_OIDC_TOKEN: token, CONDUCTORONE_CLIENT_ID: WFE, CONDUCTORONE_CLIENT_SECRET: secret };
    const idp = conductorOneFromEnv(env)?.idp();
    if (idp === undefined) throw new Error('none');
    const [federated] = await formsOf(idp, success(answers.c1.federatedToken()));
    expect(federated).toMatchObject({ subject_token: token, client_id: WFE });
    await vendor?.close();
    const withSecret = conductorOneFromEnv({ CONDUCTORONE_CLIENT_ID: SPC, CONDUCTORONE_CLIENT_SECRET: secret })?.idp();
    expect(withSecret?.credential).toMatchObject({ method: 'private_key_jwt', clientId: SPC });
  });

  it('uses the platform around the bot for a federation trust', () => {
    const env = { CONDUCTORONE_CLIENT_ID: WFE };
    expect(conductorOneFromEnv(env, { workload: platform })?.idp().credential).toMatchObject({ method: 'none' });
  });

  it('lets the tenant be replaced', () => {
    const env = { CONDUCTORONE_CLIENT_ID: SPC, CONDUCTORONE_CLIENT_SECRET: secret };
    expect(conductorOneFromEnv({ ...env, CONDUCTORONE_TENANT_DOMAIN: 'other.conductor.one' })?.issuer).toBe(
      'https://other.conductor.one',
    );
    expect(conductorOneFromEnv({ ...env, CONDUCTORONE_SERVER_URL: 'https://c1.example' })?.issuer).toBe(
      'https://c1.example',
    );
  });

  it('is absent without its variables', () => {
    expect(conductorOneFromEnv({})).toBeUndefined();
    expect(conductorOneFromEnv({ CONDUCTORONE_CLIENT_ID: ' ', CONDUCTORONE_TENANT_DOMAIN: 'acme' })).toBeUndefined();
  });

  it.each([
    [{ CONDUCTORONE_CLIENT_SECRET: secret }, 'CONDUCTORONE_CLIENT_SECRET is set, and CONDUCTORONE_CLIENT_ID is not'],
    [{ CONDUCTORONE_ACCESS_TOKEN: 'x' }, 'CONDUCTORONE_ACCESS_TOKEN is set, and CONDUCTORONE_CLIENT_ID is not'],
    [{ CONDUCTORONE_OIDC_TOKEN: 'x' }, 'CONDUCTORONE_OIDC_TOKEN is set, and CONDUCTORONE_CLIENT_ID is not'],
    [{ CONDUCTORONE_CLIENT_ID: SPC }, 'CONDUCTORONE_CLIENT_ID is set without a credential'],
    [{ CONDUCTORONE_CLIENT_ID: WFE }, 'CONDUCTORONE_CLIENT_ID is set without a credential'],
  ])('refuses variables that are incomplete (%#)', (env, message) => {
    expect(() => conductorOneFromEnv(env)).toThrow(message);
  });
});
