import {
  GRANT_JWT_BEARER,
  GRANT_JWT_DPOP,
  GRANT_PROFILE_ID_JAG,
  TOKEN_TYPE_ID_JAG,
  TOKEN_TYPE_ID_TOKEN,
} from '@credence/core';
import { accessTokenVerifier } from '@credence/resource-server';
import { idJagAuthorizationServerConfiguration, addIdJagGrant } from '@credence/authorization-server/oidc-provider';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Provider } from '../support/oidc-provider.ts';
import { Bot } from '../support/roles/bot.ts';
import { loopback } from '../support/roles/loopback.ts';
import {
  generousPolicy,
  JWT_RESOURCE,
  OPAQUE_RESOURCE,
  RS_SECRET,
  startWorld,
  type World,
} from '../support/roles/world.ts';

let world: World;
let bot: Bot;

beforeAll(async () => {
  world = await startWorld();
  bot = new Bot(world);
});
afterAll(() => world.close());
beforeEach(() => {
  world.policy = generousPolicy;
  world.issued.length = 0;
  world.redeemed.length = 0;
});

describe('an IdP and an authorization server', () => {
  it('let a bot exchange its access token for an ID-JAG, and redeem it for an opaque access token that can be introspected and revoked', async () => {
    const exchanged = await bot.exchange();
    expect(exchanged).toEqual({
      status: 200,
      body: {
        access_token: expect.any(String),
        issued_token_type: TOKEN_TYPE_ID_JAG,
        token_type: 'N_A',
        expires_in: 300,
        scope: 'issues:read',
        resource: OPAQUE_RESOURCE,
      },
    });
    const assertion = String(exchanged.body['access_token']);
    expect(decodeProtectedHeader(assertion)).toMatchObject({ typ: 'oauth-id-jag+jwt', alg: 'ES256' });
    expect(decodeJwt(assertion)).toMatchObject({
      iss: world.idp.issuer,
      sub: 'bot',
      aud: world.as.issuer,
      client_id: 'bot-at-as',
      resource: OPAQUE_RESOURCE,
      scope: 'issues:read',
    });

    const redeemed = await bot.redeem(assertion);
    expect(redeemed).toEqual({
      status: 200,
      body: {
        access_token: expect.any(String),
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'issues:read',
        resource: OPAQUE_RESOURCE,
      },
    });
    const token = String(redeemed.body['access_token']);
    expect(await bot.introspect(token)).toMatchObject({
      active: true,
      iss: world.as.issuer,
      aud: OPAQUE_RESOURCE,
      sub: `${world.idp.issuer}#bot`,
      client_id: 'bot-at-as',
      scope: 'issues:read',
      token_type: 'Bearer',
    });
    const verifier = accessTokenVerifier({
      issuer: world.as.issuer,
      resource: OPAQUE_RESOURCE,
      introspection: { clientId: 'resource-server', clientSecret: RS_SECRET },
    });
    await expect(verifier.verifyAccessToken(token)).resolves.toMatchObject({
      clientId: 'bot-at-as',
      scopes: ['issues:read'],
    });
    expect(await bot.revoke(token)).toBe(200);
    expect(await bot.introspect(token)).toEqual({ active: false });
    await expect(verifier.verifyAccessToken(token)).rejects.toMatchObject({ errorCode: 'invalid_token' });
  });

  it('issue a JWT access token that the published keys verify', async () => {
    const assertion = await bot.idJag({ resource: JWT_RESOURCE, scope: 'docs:read' });
    const { body } = await bot.redeem(assertion);
    const token = String(body['access_token']);
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt' });
    expect(decodeJwt(token)).toMatchObject({ iss: world.as.issuer, aud: JWT_RESOURCE, client_id: 'bot-at-as' });
    const verifier = accessTokenVerifier({ issuer: world.as.issuer, resource: JWT_RESOURCE, jwt: {} });
    await expect(verifier.verifyAccessToken(token)).resolves.toMatchObject({
      clientId: 'bot-at-as',
      scopes: ['docs:read'],
      extra: { subject: `${world.idp.issuer}#bot` },
    });
  });

  it('accept the ID token of a client_credentials grant with scope openid as subject token', async () => {
    const own = await bot.authenticate('openid');
    expect(decodeJwt(own['id_token'] ?? '')).toMatchObject({ iss: world.idp.issuer, sub: 'bot', aud: 'bot' });
    const { status, body } = await bot.exchange({
      subject_token: own['id_token'] ?? '',
      subject_token_type: TOKEN_TYPE_ID_TOKEN,
    });
    expect(status).toBe(200);
    expect(await bot.redeem(String(body['access_token']))).toMatchObject({ status: 200 });
  });

  it('advertise token exchange for ID-JAGs and the ID-JAG grant in their metadata', async () => {
    const idp = await (await fetch(`${world.idp.issuer}/.well-known/openid-configuration`)).json();
    expect(idp).toMatchObject({ identity_chaining_requested_token_types_supported: [TOKEN_TYPE_ID_JAG] });
    const as = await (await fetch(`${world.as.issuer}/.well-known/oauth-authorization-server`)).json();
    expect(as).toMatchObject({
      issuer: world.as.issuer,
      authorization_grant_profiles_supported: [GRANT_PROFILE_ID_JAG],
      grant_types_supported: expect.arrayContaining(['urn:ietf:params:oauth:grant-type:jwt-bearer']),
    });
  });

  it('advertise no endpoint for a sign-in, except to the MCP SDKs, which refuse metadata without one', async () => {
    for (const { issuer } of [world.idp, world.as]) {
      for (const name of ['oauth-authorization-server', 'openid-configuration']) {
        const url = `${issuer}/.well-known/${name}`;
        const response = await fetch(url);
        const metadata = (await response.json()) as Record<string, unknown>;
        expect(metadata['response_types_supported']).toEqual(['none']);
        const endpoints = Object.keys(metadata).filter((member) => member.endsWith('_endpoint'));
        expect(endpoints.toSorted()).toEqual(['introspection_endpoint', 'revocation_endpoint', 'token_endpoint']);
        expect(response.headers.get('vary')).toMatch(/MCP-Protocol-Version/iu);
        const forSdk = await fetch(url, { headers: { 'mcp-protocol-version': '2025-11-25' } });
        await expect(forSdk.json()).resolves.toMatchObject({
          authorization_endpoint: `${issuer}/auth`,
          response_types_supported: ['none'],
        });
      }
    }
  });

  it('do not name the trusted issuers in the metadata of the authorization server', async () => {
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      const response = await fetch(`${world.as.issuer}/.well-known/${name}`);
      expect(response.status).toBe(200);
      const metadata = await response.text();
      expect(metadata).toContain(world.as.issuer);
      expect(metadata).not.toContain(world.idp.issuer);
    }
  });

  it('advertise only asymmetric algorithms for DPoP proofs', async () => {
    const response = await fetch(`${world.as.issuer}/.well-known/oauth-authorization-server`);
    const { dpop_signing_alg_values_supported: algorithms } = (await response.json()) as Record<string, string[]>;
    expect(algorithms).toContain('ES256');
    for (const algorithm of algorithms ?? []) expect(algorithm).toMatch(/^(?:ES|PS|RS)\d{3}$|^Ed(?:DSA|25519)$/u);
  });

  it('advertise the jwt-dpop grant type only if DPoP is enabled', async () => {
    const grantTypes = async (dpop: boolean) => {
      const server = await loopback();
      const provider = new Provider(server.origin, idJagAuthorizationServerConfiguration({ dpop }));
      addIdJagGrant(provider, {
        issuers: { [world.idp.issuer]: {} },
        resources: { [OPAQUE_RESOURCE]: { scopes: ['issues:read'] } },
      });
      const callback = provider.callback();
      server.serve((request, response) => void callback(request, response));
      try {
        const response = await fetch(`${server.origin}/.well-known/oauth-authorization-server`);
        return ((await response.json()) as { grant_types_supported: string[] }).grant_types_supported;
      } finally {
        await server.close();
      }
    };
    expect(await grantTypes(true)).toEqual(expect.arrayContaining([GRANT_JWT_BEARER, GRANT_JWT_DPOP]));
    expect(await grantTypes(false)).not.toContain(GRANT_JWT_DPOP);
  });
});
