import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { WorkloadTokenSource } from '@credence/core';
import { answers } from '@credence/testing';
import { decodeJwt, jwtVerify } from 'jose';
import { MCP_URL, platformToken, startVendor, success, type Vendor } from '../../test-support/vendor.ts';
import { certificate, privateKey, publicKey } from '../../test-support/certificate.ts';
import { entra, type EntraOptions } from './entra.ts';

const TENANT = '11111111-2222-3333-4444-555555555555';
const BASE = `https://login.microsoftonline.com/${TENANT}`;
const ISSUER = `${BASE}/v2.0`;
const ENDPOINT = `${BASE}/oauth2/v2.0/token`;
const SERVER = { url: MCP_URL, api: 'api://issues' };
const x509 = new X509Certificate(certificate);
const thumbprint = createHash('sha256').update(x509.raw).digest('base64url');

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

async function formOf(options: Omit<EntraOptions, 'tenantId'>) {
  vendor = await startVendor(ISSUER);
  vendor.answer(ENDPOINT, success(answers.entra.ownToken()));
  const servers = { issues: entra({ tenantId: TENANT, ...options }).server(SERVER) };
  const bot = vendor.principal({ servers });
  expect(await bot.token('issues')).toMatchObject({ value: 'an-access-token', scopes: ['api://issues/.default'] });
  const [form] = vendor.forms(ENDPOINT);
  return form ?? {};
}

describe('entra', () => {
  it('requests a token with the scope .default, without resource and audience', async () => {
    expect(await formOf({ clientId: 'bot', secret: 'the-secret' })).toEqual({
      grant_type: 'client_credentials',
      scope: 'api://issues/.default',
      client_id: 'bot',
      client_secret: 'the-secret',
    });
  });

  it('signs an assertion as Entra documents it for a certificate', async () => {
    const form = await formOf({ clientId: 'bot', key: privateKey, certificate });
    const { payload, protectedHeader } = await jwtVerify(form['client_assertion'] ?? '', createPublicKey(publicKey));
    expect(protectedHeader).toEqual({ alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint });
    expect(payload).toMatchObject({ iss: 'bot', sub: 'bot', aud: ENDPOINT });
  });

  it('finds the certificate in the file of the key', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'entra-'));
    try {
      const file = join(directory, 'key.pem');
      writeFileSync(file, `${privateKey}${certificate}`);
      const form = await formOf({ clientId: 'bot', key: { file } });
      const { protectedHeader } = await jwtVerify(form['client_assertion'] ?? '', createPublicKey(publicKey));
      expect(protectedHeader['x5t#S256']).toBe(thumbprint);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('sends the token of a platform for the audience of federated credentials', async () => {
    const form = await formOf({ clientId: 'bot', assertion: platform });
    expect(form['client_id']).toBe('bot');
    expect(decodeJwt(form['client_assertion'] ?? '')).toMatchObject({ sub: 'job', aud: 'api://AzureADTokenExchange' });
  });

  it('gets the token of an agent identity by two requests', async () => {
    const first = await platformToken('api://AzureADTokenExchange');
    vendor = await startVendor(ISSUER);
    vendor.answer(
      ENDPOINT,
      success(answers.entra.ownToken(), { access_token: first }),
      success(answers.entra.ownToken()),
    );
    const blueprint = { clientId: 'blueprint', secret: 'the-secret' };
    const preset = entra({ tenantId: TENANT, clientId: 'agent', blueprint, fetch: vendor.fetch });
    const bot = vendor.principal({ servers: { issues: preset.server(SERVER) } });
    await bot.token('issues');
    expect(vendor.forms(ENDPOINT)).toEqual([
      {
        grant_type: 'client_credentials',
        scope: 'api://AzureADTokenExchange/.default',
        fmi_path: 'agent',
        client_id: 'blueprint',
        client_secret: 'the-secret',
      },
      {
        grant_type: 'client_credentials',
        scope: 'api://issues/.default',
        client_id: 'agent',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: first,
      },
    ]);
  });

  it('says which code Entra answered to the blueprint, and nothing of its text', async () => {
    vendor = await startVendor(ISSUER);
    vendor.answer(ENDPOINT, answers.entra.wrongSecret());
    const blueprint = { clientId: 'blueprint', secret: 'the-canary' };
    const preset = entra({ tenantId: TENANT, clientId: 'agent', blueprint, fetch: vendor.fetch });
    const bot = vendor.principal({ servers: { issues: preset.server(SERVER) } });
    const error: unknown = await bot.token('issues').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'credential_unavailable',
      message: expect.stringContaining('answered the request of the blueprint with 401 (AADSTS7000215)'),
    });
    expect(JSON.stringify(error)).not.toMatch(/canary|Ensure the secret/u);
  });

  it.each([
    ['a redirect', { status: 302, headers: { location: 'https://elsewhere.example/' } }, '302'],
    ['a page', { status: 200, body: '<title>canary</title>' }, '200'],
    ['no token', { status: 200, body: { access_token: '' } }, '200'],
    ['an error without a number', { status: 400, body: { error: 'canary', error_codes: ['canary'] } }, '400.'],
    ['too many bytes', { status: 200, body: 'canary'.repeat(50_000) }, 'limits on time and size'],
    ['what is no JWT', { status: 200, body: { access_token: 'canary' } }, 'not a JWT'],
  ])('refuses %s as the answer to the blueprint', async (_what, answer, message) => {
    vendor = await startVendor(ISSUER);
    vendor.answer(ENDPOINT, answer);
    const blueprint = { clientId: 'blueprint', secret: 's' };
    const preset = entra({ tenantId: TENANT, clientId: 'agent', blueprint, fetch: vendor.fetch });
    const bot = vendor.principal({ servers: { issues: preset.server(SERVER) }, retry: { retries: 0 } });
    const error: unknown = await bot.token('issues').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'credential_unavailable', message: expect.stringContaining(message) });
    expect(`${inspect(error)} ${JSON.stringify(error)}`).not.toContain('canary');
    expect(vendor.forms(ENDPOINT)).toHaveLength(1);
  });

  it('sends the request of the blueprint again after a failure that may pass', async () => {
    vendor = await startVendor(ISSUER);
    vendor.answer(
      ENDPOINT,
      { status: 503 },
      success(answers.entra.ownToken(), { access_token: await platformToken('api://AzureADTokenExchange') }),
      success(answers.entra.ownToken()),
    );
    const blueprint = { clientId: 'blueprint', secret: 's' };
    const preset = entra({ tenantId: TENANT, clientId: 'agent', blueprint, fetch: vendor.fetch });
    const retry = { retries: 1, minDelayMs: 1, maxDelayMs: 1 };
    const bot = vendor.principal({ servers: { issues: preset.server(SERVER) }, retry });
    expect((await bot.token('issues')).value).toBe('an-access-token');
    expect(vendor.forms(ENDPOINT).map((form) => form['client_id'])).toEqual(['blueprint', 'blueprint', 'agent']);
  });

  it('has no idp', () => {
    const preset = entra({ tenantId: TENANT, clientId: 'bot', secret: 's' });
    expect(() => preset.idp()).toThrow('Microsoft Entra ID documents no ID-JAG for a principal without a user');
  });

  it.each([
    [{ tenantId: 'common', clientId: 'bot', secret: 's' }, 'is not the id of a tenant'],
    [{ tenantId: TENANT, clientId: 'bot', key: privateKey }, 'the certificate is missing'],
    [
      { tenantId: TENANT, clientId: 'bot', secret: 's', blueprint: { clientId: 'b', secret: 's' } },
      'no option "secret"',
    ],
    [{ tenantId: TENANT, clientId: 'bot', blueprint: { clientId: 'b' } }, 'entra (blueprint) has no credential'],
  ])('refuses options that are wrong (%#)', (options, message) => {
    expect(() => entra(options)).toThrow(message);
  });

  it('refuses an API with /.default, and another flow', () => {
    const preset = entra({ tenantId: TENANT, clientId: 'bot', secret: 's' });
    expect(() => preset.server({ url: MCP_URL, api: 'api://issues/.default' })).toThrow('which the preset adds');
    expect(() => preset.server({ ...SERVER, flow: 'workload-identity' as never })).toThrow('not a flow that Entra');
  });
});
