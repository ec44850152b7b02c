import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { fromIdToken, fromRefreshToken, fromWorkloadToken, type WorkloadTokenSource } from '@credence/core';
import { answers } from '@credence/testing';
import { decodeJwt, jwtVerify } from 'jose';
import { idJag, MCP_URL, platformToken, startVendor, success, type Vendor } from '../test-support/vendor.ts';
import { auth0 } from './auth0.ts';
import { descope } from './descope.ts';
import { keycloak } from './keycloak.ts';
import { pingFederate } from './ping-federate.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const SERVER = { url: MCP_URL, scopes: ['read'] };
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
const answer = success({ members: { expires_in: 300, scope: 'read' } });

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

describe('auth0', () => {
  const ENDPOINT = 'https://acme.eu.auth0.com/oauth/token';
  const preset = auth0({ domain: 'acme.eu.auth0.com', clientId: 'bot', secret: 'the-secret' });

  it('requests a token with audience, without resource, and with the secret in the body', async () => {
    vendor = await startVendor(preset.issuer);
    vendor.answer(ENDPOINT, answer);
    const servers = { issues: preset.server({ ...SERVER, api: 'https://issues.api' }) };
    const bot = vendor.principal({ servers });
    expect((await bot.token('issues')).issuer).toBe('https://acme.eu.auth0.com/');
    expect(vendor.forms(ENDPOINT)).toEqual([
      {
        grant_type: 'client_credentials',
        audience: 'https://issues.api',
        scope: 'read',
        client_id: 'bot',
        client_secret: 'the-secret',
      },
    ]);
  });

  it('signs an assertion for the issuer with its slash', async () => {
    vendor = await startVendor(preset.issuer);
    vendor.answer(ENDPOINT, answers.auth0.notGranted());
    const servers = { issues: auth0({ domain: 'acme.eu.auth0.com', clientId: 'bot', key: privateKey }).server(SERVER) };
    const bot = vendor.principal({ servers });
    await expect(bot.token('issues')).rejects.toMatchObject({ code: 'access_denied', contact: 'server-owner' });
    const [form] = vendor.forms(ENDPOINT);
    expect(form).toMatchObject({ audience: MCP_URL });
    expect(decodeJwt(form?.['client_assertion'] ?? '').aud).toBe('https://acme.eu.auth0.com/');
  });

  it('has no idp, and the error says what works and what is lost', () => {
    expect(() => preset.idp()).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        contact: 'you',
        remedy: expect.stringMatching(/auth0\(\.\.\.\)\.server.*no policy of the IdP/u),
      }),
    );
  });

  it('keeps resource where another IdP issues the ID-JAG', () => {
    const server = preset.server({ ...SERVER, flow: 'enterprise-managed' });
    expect(server).toMatchObject({ flow: 'enterprise-managed', issuer: 'https://acme.eu.auth0.com/' });
    expect(server).not.toHaveProperty('audience');
    expect(server).not.toHaveProperty('resourceParameter');
  });
});

describe('keycloak', () => {
  const ISSUER = 'https://sso.acme.example/auth/realms/acme';
  const ENDPOINT = `${ISSUER}/protocol/openid-connect/token`;
  const REALM = { url: 'https://sso.acme.example/auth/', realm: 'acme', clientId: 'bot' };

  it('signs an assertion for the realm, and accepts the default scopes of the realm', async () => {
    vendor = await startVendor(ISSUER);
    vendor.answer(ENDPOINT, success(answers.keycloak.ownToken(), { scope: 'email profile read' }));
    const servers = { issues: keycloak({ ...REALM, key: privateKey }).server(SERVER) };
    const bot = vendor.principal({ servers });
    expect((await bot.token('issues')).scopes).toEqual(['email', 'profile', 'read']);
    const [form] = vendor.forms(ENDPOINT);
    expect(Object.keys(form ?? {}).toSorted()).toEqual([
      'client_assertion',
      'client_assertion_type',
      'client_id',
      'grant_type',
      'scope',
    ]);
    const { payload } = await jwtVerify(form?.['client_assertion'] ?? '', publicKey);
    expect(payload).toMatchObject({ iss: 'bot', sub: 'bot', aud: ISSUER });
  });

  it('sends the token of a platform as assertion for the realm, without client_id', async () => {
    vendor = await startVendor(ISSUER);
    vendor.answer(ENDPOINT, answer);
    const servers = { issues: keycloak({ ...REALM, assertion: platform }).server(SERVER) };
    const bot = vendor.principal({ servers });
    await bot.token('issues');
    const [form] = vendor.forms(ENDPOINT);
    expect(form).not.toHaveProperty('client_id');
    expect(decodeJwt(form?.['client_assertion'] ?? '')).toMatchObject({ sub: 'job', aud: ISSUER });
  });

  it('explains a wrong audience', async () => {
    vendor = await startVendor(ISSUER);
    vendor.answer(ENDPOINT, answers.keycloak.wrongAudience());
    const servers = { issues: keycloak({ ...REALM, key: privateKey }).server(SERVER) };
    const bot = vendor.principal({ servers });
    await expect(bot.token('issues')).rejects.toMatchObject({
      code: 'invalid_client',
      message: expect.stringContaining('expects another audience'),
    });
  });

  it('has no idp', () => {
    expect(() => keycloak({ ...REALM, secret: 's' }).idp()).toThrow('Keycloak documents no ID-JAG');
  });
});

describe('pingFederate', () => {
  const BASE = 'https://sso.acme.example:9031';
  const ENDPOINT = `${BASE}/as/token.oauth2`;
  const preset = pingFederate({ url: BASE, clientId: 'bot', secret: 'the-secret' });

  it('exchanges a refresh token, and redeems the ID-JAG at another authorization server', async () => {
    const other = auth0({ domain: 'as.example', clientId: 'bot-at-as', secret: 'the-other-secret' });
    vendor = await startVendor(other.issuer);
    const claims = {
      iss: BASE,
      sub: 'bot',
      aud: other.issuer,
      client_id: 'bot-at-as',
      resource: MCP_URL,
      scope: 'read',
    };
    const token = await idJag(claims);
    vendor.answer(ENDPOINT, { body: { access_token: token, issued_token_type: ID_JAG, token_type: 'N_A' } });
    vendor.answer('https://as.example/oauth/token', answer);
    const bot = vendor.principal({
      idp: preset.idp({ subject: fromRefreshToken(() => 'the-refresh-token') }),
      servers: { issues: other.server({ ...SERVER, flow: 'enterprise-managed' }) },
    });
    expect((await bot.token('issues')).value).toBe('an-access-token');
    expect(vendor.forms(ENDPOINT)).toEqual([
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        requested_token_type: ID_JAG,
        audience: other.issuer,
        resource: MCP_URL,
        scope: 'read',
        subject_token: 'the-refresh-token',
        subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
      },
    ]);
    expect(vendor.requests(ENDPOINT)[0]?.basic).toEqual({ id: 'bot', secret: 'the-secret' });
    expect(vendor.forms('https://as.example/oauth/token')).toMatchObject([
      { assertion: token, client_id: 'bot-at-as', client_secret: 'the-other-secret' },
    ]);
  });

  it('sends the token of a platform as the assertion of the grant', async () => {
    vendor = await startVendor(BASE);
    vendor.answer(ENDPOINT, answer);
    const assertion = fromWorkloadToken(platform);
    const servers = { issues: preset.server({ ...SERVER, flow: 'workload-identity', assertion }) };
    const bot = vendor.principal({ servers });
    await bot.token('issues');
    const [form] = vendor.forms(ENDPOINT);
    expect(form).toMatchObject({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', resource: MCP_URL });
    expect(decodeJwt(form?.['assertion'] ?? '')).toMatchObject({ sub: 'job', aud: BASE });
  });

  it('has no ID-JAG for the client itself, and takes an issuer of its own', () => {
    expect(() => preset.idp()).toThrow('PingFederate documents no ID-JAG');
    const issuer = 'https://issuer.acme.example';
    const idp = pingFederate({ url: BASE, issuer, clientId: 'bot', secret: 's' }).idp({ usersOnly: true });
    expect(idp).toMatchObject({ issuer, tokenEndpoint: ENDPOINT });
  });

  it('refuses an assertion for another flow, and the flow without one', () => {
    expect(() => preset.server({ ...SERVER, flow: 'workload-identity' })).toThrow('no assertion');
    expect(() => preset.server({ ...SERVER, assertion: fromIdToken(() => '') })).toThrow('for another flow');
  });
});

describe('descope', () => {
  const ISSUER = 'https://api.descope.com/v1/apps/P2abc';
  const ENDPOINT = 'https://api.descope.com/oauth2/v1/apps/token';
  const preset = descope({ issuer: ISSUER, clientId: 'UDJ', secret: 'the-secret' });

  it("exchanges the agent's own access token", async () => {
    const other = auth0({ domain: 'as.example', clientId: 'bot-at-as', secret: 'the-other-secret' });
    vendor = await startVendor(other.issuer);
    const claims = {
      iss: ISSUER,
      sub: 'UDJ',
      aud: other.issuer,
      client_id: 'bot-at-as',
      resource: MCP_URL,
      scope: 'read',
    };
    vendor.answer(ENDPOINT, success({ members: { access_token: 'own-token', expires_in: 600 } }), {
      body: { access_token: await idJag(claims), issued_token_type: ID_JAG, token_type: 'N_A', expires_in: 300 },
    });
    vendor.answer('https://as.example/oauth/token', answer);
    const bot = vendor.principal({
      idp: preset.idp({ scope: 'agent' }),
      servers: { issues: other.server({ ...SERVER, flow: 'enterprise-managed' }) },
    });
    await bot.token('issues');
    const credential = { client_id: 'UDJ', client_secret: 'the-secret' };
    expect(vendor.forms(ENDPOINT)).toEqual([
      { grant_type: 'client_credentials', scope: 'agent', ...credential },
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        requested_token_type: ID_JAG,
        audience: other.issuer,
        resource: MCP_URL,
        scope: 'read',
        subject_token: 'own-token',
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        ...credential,
      },
    ]);
  });

  it('requests a token with resource as authorization server', async () => {
    vendor = await startVendor(ISSUER);
    vendor.answer(ENDPOINT, answer);
    const bot = vendor.principal({ servers: { issues: preset.server(SERVER) } });
    await bot.token('issues');
    expect(vendor.forms(ENDPOINT)).toMatchObject([
      { grant_type: 'client_credentials', resource: MCP_URL, scope: 'read' },
    ]);
  });

  it('refuses an issuer that is no URL, and a client without a secret', () => {
    expect(() => descope({ issuer: 'P2abc?', clientId: 'a', secret: 'b' })).toThrow('The option issuer of descope');
    expect(() => descope({ issuer: ISSUER, clientId: 'a' } as never)).toThrow('the option secret');
  });
});
