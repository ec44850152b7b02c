import { clientSecret, ServicePrincipal } from '@credence/core';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { validOptions } from '../configuration/support/bot-options.ts';
import { refusalOf } from '../support/evidence.ts';
import { type AttackWorld, call, expectPlainError, startAttackWorld } from './support/attack-world.ts';

const GRANT_JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

describe('a stolen ID-JAG', () => {
  let sandbox: Sandbox;
  /** The ID-JAG that reporting-bot sent to the authorization server of issues. */
  let stolen: string;
  let accessToken: string;

  beforeAll(async () => {
    sandbox = await startSandbox();
  });
  afterAll(async () => sandbox.close());

  beforeEach(async () => {
    const bot = new ServicePrincipal({
      ...validOptions(sandbox),
      fetch: async (input, init) => {
        const assertion = init?.body instanceof URLSearchParams ? init.body.get('assertion') : null;
        if (assertion !== null) stolen = assertion;
        return fetch(input, init);
      },
    });
    accessToken = (await bot.token('issues')).value;
    await bot.close();
  });

  /** Presents an assertion at an authorization server, expects a refusal, and returns the OAuth error. */
  async function present(
    assertion: string,
    client?: { clientId: string; clientSecret: string },
    where = sandbox.authorizationServers.main,
  ) {
    const body = new URLSearchParams({ grant_type: GRANT_JWT_BEARER, assertion });
    const headers = new Headers();
    if (client) {
      const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
      headers.set(
        'authorization',
        `Basic ${Buffer.from(`${encode(client.clientId)}:${encode(client.clientSecret)}`).toString('base64')}`,
      );
    }
    const response = await fetch(where.tokenEndpoint, { method: 'POST', headers, body });
    const answer = (await response.json()) as Record<string, unknown>;
    expect(answer).not.toHaveProperty('access_token');
    return answer['error'];
  }

  const own = () => sandbox.principals['reporting-bot'].servers.issues;
  const thief = () => sandbox.principals['triage-bot'].servers.issues;

  it('is refused from another client', async () => {
    expect(await present(stolen, thief())).toBe('invalid_grant');
  });

  it('is refused from a client that does not authenticate', async () => {
    expect(await present(stolen)).toMatch(/^invalid_(?:client|request)$/u);
    expect(await present(stolen, { ...own(), clientSecret: 'guessed' })).toBe('invalid_client');
  });

  it('is refused at another authorization server', async () => {
    const { research } = sandbox.authorizationServers;
    expect(await present(stolen, sandbox.principals['reporting-bot'].servers.database, research)).toBe('invalid_grant');
  });

  it('is refused as an access token', async () => {
    const response = await fetch(sandbox.servers.issues.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${stolen}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    });
    expect(response.status).toBe(401);
  });

  it('is refused without its signature, with changed claims, and with another algorithm in its header', async () => {
    const [header = '', payload = '', signature = ''] = stolen.split('.');
    const renamed = (alg: string) =>
      Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), alg })).toString(
        'base64url',
      );
    const changed = Buffer.from(JSON.stringify({ ...decodeJwt(stolen), client_id: thief().clientId })).toString(
      'base64url',
    );
    for (const assertion of [
      `${renamed('none')}.${payload}.`,
      `${renamed('None')}.${payload}.`,
      `${renamed('none')}.${payload}.${signature}`,
      `${renamed('HS256')}.${payload}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${changed}.${signature}`,
    ]) {
      expect(await present(assertion, own())).toBe('invalid_grant');
      expect(await present(assertion, thief())).toBe('invalid_grant');
    }
  });

  it('is refused with a new signature, even if the header contains the new key', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    for (const header of [
      { jwk },
      { kid: '../../etc/passwd' },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example/x' },
    ]) {
      const forged = await new SignJWT({ ...decodeJwt(stolen), client_id: thief().clientId })
        .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt', ...header })
        .sign(privateKey);
      expect(await present(forged, thief())).toBe('invalid_grant');
    }
  });

  it('yields an access token that another MCP server refuses', async () => {
    const response = await fetch(sandbox.servers.documents.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${accessToken}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }),
    });
    expect(response.status).toBe(401);
  });

  it("cannot be obtained with the principal's credential at the authorization server and a wrong one at the IdP", async () => {
    const options = validOptions(sandbox);
    const { clientId } = sandbox.principals['reporting-bot'];
    const bot = new ServicePrincipal({
      ...options,
      idp: { ...options.idp, credential: clientSecret({ clientId, secret: 'guessed' }) },
    });
    expect(await refusalOf(bot.token('issues'))).toMatchObject({
      code: 'invalid_client',
      leg: 'authenticate',
      contact: 'you',
    });
    await bot.close();
  });
});

describe('an invalid ID-JAG from the IdP', () => {
  let world: AttackWorld;

  beforeEach(async () => {
    world = await startAttackWorld();
  });

  it.each<[string, Parameters<AttackWorld['idp']['forge']>[0], 'idp-admin' | 'you']>([
    ['with alg: none', { signature: 'none' }, 'idp-admin'],
    ['of another type of JWT', { header: (header) => ({ ...header, typ: 'at+jwt' }) }, 'idp-admin'],
    [
      'for another authorization server',
      { claims: (claims) => ({ ...claims, aud: 'https://as.example' }) },
      'idp-admin',
    ],
    [
      'for two authorization servers',
      { claims: (claims) => ({ ...claims, aud: [claims['aud'], 'https://as.example'] }) },
      'idp-admin',
    ],
    ['for another client', { claims: (claims) => ({ ...claims, client_id: 'somebody-else' }) }, 'you'],
    [
      'for another resource',
      { claims: (claims) => ({ ...claims, resource: 'https://payroll.example/mcp' }) },
      'idp-admin',
    ],
    ['of another IdP', { claims: (claims) => ({ ...claims, iss: 'https://idp.example' }) }, 'idp-admin'],
    ['that has expired', { claims: (claims) => ({ ...claims, exp: 1_000_000_000 }) }, 'idp-admin'],
  ])('%s is not sent to the authorization server', async (_what, forgery, contact) => {
    try {
      world.idp.forge(forgery);
      const error = await refusalOf(call(world.bot()));
      expectPlainError(error, { code: 'invalid_id_jag', leg: 'exchange', contact }, world);
      expect(world.as.script.count('redeem')).toBe(0);
    } finally {
      await world.close();
    }
  });

  it('with a signature by an unpublished key is refused by the authorization server, and the remedy says why', async () => {
    try {
      world.idp.forge({ signature: 'unpublished-key' });
      const error = await refusalOf(call(world.bot()));
      expectPlainError(error, { code: 'invalid_grant', leg: 'redeem', contact: 'server-owner' }, world);
      expect(error.remedy).toContain('trusts this IdP');
    } finally {
      await world.close();
    }
  });
});
