import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { refusalOf } from '../../test-support/runtime.ts';
import type { ClientCredential } from '../credentials/credential.ts';
import { optionsFromEnv } from './from-env.ts';
import { ServicePrincipal } from './service-principal.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const jwk = JSON.stringify({ ...pair.privateKey.export({ format: 'jwk' }), kid: 'from-jwk' });

const IDP = {
  CREDENCE_IDP_ISSUER: 'https://acme.okta.com',
  CREDENCE_IDP_CLIENT_ID: 'bot',
  CREDENCE_IDP_CLIENT_SECRET: 'idp-s3cret',
};
const LINEAR = {
  CREDENCE_SERVERS: 'linear',
  CREDENCE_SERVER_LINEAR_URL: 'https://mcp.linear.app/mcp',
  CREDENCE_SERVER_LINEAR_ISSUER: 'https://linear.app',
  CREDENCE_SERVER_LINEAR_CLIENT_ID: 'a1b2',
  CREDENCE_SERVER_LINEAR_CLIENT_SECRET: 'as-s3cret',
};
const ENV = { ...IDP, ...LINEAR };
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(ENV).filter(([name]) => !names.includes(name)));

async function sent(credential: ClientCredential | undefined, issuer = 'https://acme.okta.com') {
  const body = new URLSearchParams();
  const headers = new Headers();
  await credential?.authenticate({ issuer, tokenEndpoint: `${issuer}/t`, body, headers, nowMs: Date.now() });
  return { form: Object.fromEntries(body), authorization: headers.get('authorization') };
}

describe('the CREDENCE_* variables', () => {
  it('configure a principal', async () => {
    const bot = ServicePrincipal.fromEnv(ENV);
    expect(bot.serverNames).toEqual(['linear']);
    await bot.close();
  });

  it('are refused if two server names have the same variables', async () => {
    const error = await refusalOf(() => optionsFromEnv({ CREDENCE_SERVERS: 'wiki-a,wiki.a' }));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure' });
    expect(error.message).toContain('"wiki-a" and "wiki.a"');
  });

  it.each([
    ['CREDENCE_SERVER_LINEAR_SCOPE', 'CREDENCE_SERVER_LINEAR_SCOPES'],
    ['CREDENCE_SERVER_LINEAR_STEPUP', 'CREDENCE_SERVER_LINEAR_STEP_UP'],
    ['CREDENCE_SERVER_LINEAR_RESOUCRE', 'CREDENCE_SERVER_LINEAR_RESOURCE'],
    ['CREDENCE_IDP_TOKEN_ENDPIONT', 'CREDENCE_IDP_TOKEN_ENDPOINT'],
    ['CREDENCE_IDP_KEYID', 'CREDENCE_IDP_KEY_ID'],
  ])('are refused if one is misspelt: %s', async (variable, correct) => {
    const error = await refusalOf(() => optionsFromEnv({ ...ENV, [variable]: 's3cret' }));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(variable);
    expect(error.remedy).toBe(`Did you mean ${correct}?`);
    expect(JSON.stringify(error)).not.toContain('s3cret');
    expect(optionsFromEnv({ ...ENV, [variable]: ' ' }).servers).toHaveProperty('linear');
  });

  it.each([
    'CREDENCE_IDP_SERVICE_HOST',
    'CREDENCE_IDP_PORT',
    'CREDENCE_SERVER_LINEAR_PORT_443_TCP',
    'CREDENCE_SERVER_LINEAR_A_URL',
    'CREDENCE_SERVER_WIKI_SCOPE',
    'CREDENCE_ENCRYPTION_KEY',
  ])('do not include another variable with the same prefix: %s', (variable) => {
    expect(optionsFromEnv({ ...ENV, [variable]: 'x' })).toEqual({
      idp: expect.anything(),
      servers: { linear: expect.anything() },
    });
  });

  it('configure every option of a server that can be written as text', () => {
    const { servers } = optionsFromEnv({
      ...IDP,
      CREDENCE_SERVERS: ' linear, my-docs.v2 ',
      ...serverEnv('LINEAR'),
      ...serverEnv('MY_DOCS_V2'),
      CREDENCE_SERVER_MY_DOCS_V2_SCOPES: 'a,b c',
      CREDENCE_SERVER_MY_DOCS_V2_STEP_UP: 'd',
      CREDENCE_SERVER_MY_DOCS_V2_RESOURCE: 'urn:docs',
      CREDENCE_SERVER_MY_DOCS_V2_AUDIENCE: 'urn:as',
      CREDENCE_SERVER_MY_DOCS_V2_TOKEN_ENDPOINT: 'https://linear.app/t',
      CREDENCE_SERVER_MY_DOCS_V2_EXCESS_SCOPES: 'accept',
      CREDENCE_SERVER_MY_DOCS_V2_REDEEM_SCOPE: 'omit',
      CREDENCE_SERVER_MY_DOCS_V2_RESOURCE_PARAMETER: 'omit',
      CREDENCE_SERVER_MY_DOCS_V2_FLOW: 'client-credentials',
    });
    expect(Object.keys(servers)).toEqual(['linear', 'my-docs.v2']);
    expect(servers['my-docs.v2']).toMatchObject({
      scopes: ['a', 'b', 'c'],
      stepUp: ['d'],
      resource: 'urn:docs',
      audience: 'urn:as',
      tokenEndpoint: 'https://linear.app/t',
      excessScopes: 'accept',
      redeemScope: 'omit',
      resourceParameter: 'omit',
      flow: 'client-credentials',
    });
    expect(Object.keys(servers['linear'] ?? {})).toEqual(['url', 'issuer', 'credential']);
  });

  it('pin the token endpoint of the IdP', () => {
    const env = { ...ENV, CREDENCE_IDP_TOKEN_ENDPOINT: 'https://acme.okta.com/oauth2/v1/token' };
    expect(optionsFromEnv(env).idp?.tokenEndpoint).toBe('https://acme.okta.com/oauth2/v1/token');
  });

  it('need no IdP if every server has the flow client-credentials', () => {
    const options = optionsFromEnv({ ...LINEAR, CREDENCE_SERVER_LINEAR_FLOW: 'client-credentials' });
    expect(options.idp).toBeUndefined();
  });

  describe('for a credential', () => {
    let folder: string;
    const path = (name: string) => join(folder, name);
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'credence-env-'));
      await writeFile(path('key.pem'), pem);
      await writeFile(path('key.json'), `${jwk}\n`);
      await writeFile(path('assertion'), 'file.jwt.here\n');
    });
    afterAll(async () => {
      await rm(folder, { recursive: true });
    });

    const credential = (env: Record<string, string>) =>
      optionsFromEnv({ ...without('CREDENCE_IDP_CLIENT_SECRET'), ...env }).idp?.credential;

    it.each<[string, () => Record<string, string>, string | undefined]>([
      ['a PEM', () => ({ CREDENCE_IDP_PRIVATE_KEY: pem }), undefined],
      ['a PEM in one line', () => ({ CREDENCE_IDP_PRIVATE_KEY: pem.replaceAll('\n', '\\n') }), undefined],
      ['a JWK', () => ({ CREDENCE_IDP_PRIVATE_KEY: jwk }), 'from-jwk'],
      ['a PEM file', () => ({ CREDENCE_IDP_PRIVATE_KEY_FILE: path('key.pem') }), undefined],
      ['a JWK file', () => ({ CREDENCE_IDP_PRIVATE_KEY_FILE: path('key.json') }), 'from-jwk'],
      ['a kid', () => ({ CREDENCE_IDP_PRIVATE_KEY: pem, CREDENCE_IDP_KEY_ID: 'k7' }), 'k7'],
    ])('accept %s', async (_what, env, kid) => {
      const { form } = await sent(credential(env()));
      const jwt = form['client_assertion'] ?? '';
      await jwtVerify(jwt, pair.publicKey, { audience: 'https://acme.okta.com', issuer: 'bot' });
      expect(decodeProtectedHeader(jwt).kid).toBe(kid);
    });

    it('accept an assertion file', async () => {
      const fromFile = credential({ CREDENCE_IDP_CLIENT_ASSERTION_FILE: path('assertion') });
      expect((await sent(fromFile)).form['client_assertion']).toBe('file.jwt.here');
    });

    it.each([
      [undefined, 'client_secret_basic'],
      ['client_secret_basic', 'client_secret_basic'],
      ['client_secret_post', 'client_secret_post'],
    ])('configure a secret with AUTH_METHOD %p', (method, expected) => {
      const env = { CREDENCE_IDP_CLIENT_SECRET: 's', ...(method && { CREDENCE_IDP_AUTH_METHOD: method }) };
      expect(credential(env)?.method).toBe(expected);
    });

    it('configure a public client with AUTH_METHOD none', async () => {
      expect((await sent(credential({ CREDENCE_IDP_AUTH_METHOD: 'none' }))).form).toEqual({ client_id: 'bot' });
    });

    it.each<[string, () => Record<string, string>, string, string]>([
      ['no credential', () => ({}), 'invalid_configuration', 'CREDENCE_IDP_PRIVATE_KEY'],
      [
        'two credentials',
        () => ({ CREDENCE_IDP_PRIVATE_KEY: pem, CREDENCE_IDP_CLIENT_SECRET: 's3cret' }),
        'invalid_configuration',
        'CREDENCE_IDP_PRIVATE_KEY and CREDENCE_IDP_CLIENT_SECRET are both set',
      ],
      [
        'a file that does not exist',
        () => ({ CREDENCE_IDP_PRIVATE_KEY_FILE: '/nowhere.pem' }),
        'credential_unavailable',
        'CREDENCE_IDP_PRIVATE_KEY_FILE: privateKeyJwt({ key }) could not be read from "/nowhere.pem" (ENOENT).',
      ],
      [
        'a path in place of a key',
        () => ({ CREDENCE_IDP_PRIVATE_KEY: '/etc/key.pem' }),
        'invalid_key',
        'CREDENCE_IDP_PRIVATE_KEY: ',
      ],
      [
        'a broken JWK',
        () => ({ CREDENCE_IDP_PRIVATE_KEY: '{"kty":"EC"' }),
        'invalid_key',
        'CREDENCE_IDP_PRIVATE_KEY: ',
      ],
      [
        'an unknown method',
        () => ({ CREDENCE_IDP_CLIENT_SECRET: 's3cret', CREDENCE_IDP_AUTH_METHOD: 'digest' }),
        'invalid_configuration',
        'CREDENCE_IDP_AUTH_METHOD',
      ],
    ])('are refused with the name of the variable in the message for %s', async (_what, env, code, named) => {
      const error = await refusalOf(() => credential(env()));
      expect(error).toMatchObject({ code, leg: 'configure', contact: 'you' });
      expect(error.message).toContain(named);
      expect(JSON.stringify(error)).not.toContain('s3cret');
    });
  });

  it.each([
    [without('CREDENCE_SERVERS'), 'CREDENCE_SERVERS'],
    [{ ...ENV, CREDENCE_SERVERS: ' , ' }, 'CREDENCE_SERVERS'],
    [without('CREDENCE_SERVER_LINEAR_URL'), 'CREDENCE_SERVER_LINEAR_URL'],
    [without('CREDENCE_SERVER_LINEAR_ISSUER'), 'CREDENCE_SERVER_LINEAR_ISSUER'],
    [without('CREDENCE_SERVER_LINEAR_CLIENT_ID'), 'CREDENCE_SERVER_LINEAR_CLIENT_ID'],
    [without('CREDENCE_SERVER_LINEAR_CLIENT_SECRET'), 'CREDENCE_SERVER_LINEAR_CLIENT_SECRET'],
    [{ ...ENV, CREDENCE_SERVER_LINEAR_URL: '  ' }, 'CREDENCE_SERVER_LINEAR_URL'],
    [{ ...ENV, CREDENCE_SERVER_LINEAR_FLOW: 'client_credentials' }, 'CREDENCE_SERVER_LINEAR_FLOW'],
    [{ ...ENV, CREDENCE_SERVER_LINEAR_FLOW: 'workload-identity' }, 'CREDENCE_SERVER_LINEAR_FLOW'],
    [{ ...ENV, CREDENCE_SERVER_LINEAR_EXCESS_SCOPES: 'warn' }, 'CREDENCE_SERVER_LINEAR_EXCESS_SCOPES'],
    [{ ...ENV, CREDENCE_SERVER_LINEAR_REDEEM_SCOPE: 'false' }, 'CREDENCE_SERVER_LINEAR_REDEEM_SCOPE'],
    [{ ...ENV, CREDENCE_SERVER_LINEAR_RESOURCE_PARAMETER: 'no' }, 'CREDENCE_SERVER_LINEAR_RESOURCE_PARAMETER'],
    [without('CREDENCE_IDP_ISSUER'), 'CREDENCE_IDP_ISSUER'],
    [without('CREDENCE_IDP_CLIENT_ID'), 'CREDENCE_IDP_CLIENT_ID'],
    [{}, 'CREDENCE_SERVERS'],
  ])('are refused with the name of the missing or wrong variable in the message: %#', async (env, named) => {
    const error = await refusalOf(() => ServicePrincipal.fromEnv(env));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toContain(named);
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });
});

describe('the CONDUCTORONE_* variables', () => {
  const C1 = {
    CONDUCTORONE_CLIENT_ID: 'clever-fox-42195@acme.conductor.one/spc',
    CONDUCTORONE_CLIENT_SECRET: 'secret-token:conductorone.com:v1:abc',
  };

  it('configure an IdP whose issuer is the tenant in the client id', async () => {
    const { idp } = optionsFromEnv({ ...LINEAR, ...C1 });
    expect(idp?.issuer).toBe('https://acme.conductor.one');
    expect((await sent(idp?.credential)).form).toEqual({
      client_id: C1.CONDUCTORONE_CLIENT_ID,
      client_secret: C1.CONDUCTORONE_CLIENT_SECRET,
    });
  });

  it.each([
    [{ CONDUCTORONE_TENANT_DOMAIN: 'other.conductor.one' }, 'https://other.conductor.one'],
    [{ CONDUCTORONE_SERVER_URL: 'https://c1.internal.example' }, 'https://c1.internal.example'],
    [
      { CONDUCTORONE_TENANT_DOMAIN: 'other.conductor.one', CONDUCTORONE_SERVER_URL: 'https://c1.example' },
      'https://c1.example',
    ],
  ])('configure another issuer with %p', (over, issuer) => {
    expect(optionsFromEnv({ ...LINEAR, ...C1, ...over }).idp?.issuer).toBe(issuer);
  });

  it('are ignored if CREDENCE_IDP_* variables are set', () => {
    expect(optionsFromEnv({ ...ENV, ...C1 }).idp?.issuer).toBe('https://acme.okta.com');
  });

  it('are refused if no variable names the tenant', async () => {
    const error = await refusalOf(() => optionsFromEnv({ ...LINEAR, ...C1, CONDUCTORONE_CLIENT_ID: 'plain' }));
    expect(error.message).toContain('CONDUCTORONE_TENANT_DOMAIN');
  });

  it.each(['CONDUCTORONE_CLIENT_ID', 'CONDUCTORONE_CLIENT_SECRET'])(
    'configure no IdP without %s, and the error names the variables of both kinds',
    async (name) => {
      const error = await refusalOf(() => optionsFromEnv({ ...LINEAR, ...C1, [name]: '' }));
      expect(error.message).toContain('CREDENCE_IDP_ISSUER');
      expect(error.remedy).toContain('CONDUCTORONE_CLIENT_SECRET');
    },
  );
});

function serverEnv(name: string): Record<string, string> {
  return {
    [`CREDENCE_SERVER_${name}_URL`]: `https://mcp.linear.app/${name}`,
    [`CREDENCE_SERVER_${name}_ISSUER`]: 'https://linear.app',
    [`CREDENCE_SERVER_${name}_CLIENT_ID`]: 'a1b2',
    [`CREDENCE_SERVER_${name}_CLIENT_SECRET`]: 'as-s3cret',
  };
}
