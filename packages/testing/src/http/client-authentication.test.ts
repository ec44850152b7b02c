import { generateKeyPairSync } from 'node:crypto';
import { clientSecret, noClientAuth, privateKeyJwt, type ServicePrincipalOptions } from '@credence/core';
import { describe, expect, it } from '@jest/globals';
import { botWith, refusal, withoutNetwork, world } from '../../test-support/bots.ts';
import { type FakeIdp, fakeIdp } from '../fake-idp.ts';
import type { FakeIdpOptions } from '../settings/options.ts';

withoutNetwork();

describe('client authentication', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = (key: typeof privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const own: FakeIdpOptions = {
    issuer: 'https://acme.okta.com',
    tokenEndpoint: 'https://acme.okta.com/oauth2/v1/token',
    principals: {
      bot: {
        clientId: '0oa1',
        key: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        clients: { linear: { clientId: 'a1b2', secret: 'secret/with: odd+characters' } },
      },
    },
    servers: { linear: { url: 'https://mcp.linear.app/mcp', issuer: 'https://linear.app', scopes: ['issues:read'] } },
  };
  const optionsWith = (idp: FakeIdp, key: string, secret: string): ServicePrincipalOptions => ({
    idp: { issuer: 'https://acme.okta.com', credential: privateKeyJwt({ clientId: '0oa1', key }) },
    servers: {
      linear: {
        url: 'https://mcp.linear.app/mcp',
        issuer: 'https://linear.app',
        credential: clientSecret({ clientId: 'a1b2', secret }),
      },
    },
    fetch: idp.fetch,
  });
  const right = 'secret/with: odd+characters';

  it("accepts the options of a bot's own configuration", async () => {
    const bot = botWith(optionsWith(fakeIdp(own), pem(privateKey), right));
    await expect(bot.token('linear')).resolves.toMatchObject({ issuer: 'https://linear.app', scopes: ['issues:read'] });
  });

  it.each([
    ['another key', pem(other.privateKey), right, 'authenticate'],
    ['another secret', pem(privateKey), 'wrong', 'redeem'],
  ])('refuses %s', async (_what, key, secret, leg) => {
    const error = await refusal(botWith(optionsWith(fakeIdp(own), key, secret)).token('linear'));
    expect(error).toMatchObject({ code: 'invalid_client', leg });
  });

  it('refuses a public client where a secret is registered, and accepts a registered public client', async () => {
    const idp = fakeIdp(own);
    const options = optionsWith(idp, pem(privateKey), right);
    const servers = { linear: { ...options.servers['linear'], credential: noClientAuth({ clientId: 'a1b2' }) } };
    const publicOptions = { ...options, servers } as ServicePrincipalOptions;
    await expect(refusal(botWith(publicOptions).token('linear'))).resolves.toMatchObject({ code: 'invalid_client' });
    const open = fakeIdp({
      ...own,
      principals: { bot: { ...own.principals['bot'], clients: { linear: { clientId: 'a1b2', isPublic: true } } } },
    });
    await expect(botWith({ ...publicOptions, fetch: open.fetch }).token('linear')).resolves.toHaveProperty('value');
  });

  it('refuses a client assertion that was used before', async () => {
    const idp = fakeIdp(own);
    const bodies: string[] = [];
    const bot = botWith({
      ...optionsWith(idp, pem(privateKey), right),
      fetch: async (input, init) => {
        if (init?.body instanceof URLSearchParams) bodies.push(init.body.toString());
        return idp.fetch(input, init);
      },
    });
    await bot.token('linear');
    const replayed = await idp.fetch('https://acme.okta.com/oauth2/v1/token', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: bodies[0] ?? '',
    });
    expect(replayed.status).toBe(401);
    await expect(replayed.json()).resolves.toMatchObject({ error: 'invalid_client' });
  });

  it.each([
    ['a PEM', pem(privateKey)],
    ['a KeyObject', privateKey],
    ['a JWK', privateKey.export({ format: 'jwk' })],
  ])('makes options from %s with a private key', async (_form, key) => {
    const idp = world({ principals: { 'reporting-bot': { key } } });
    await expect(botWith(idp.options('reporting-bot')).token('issues')).resolves.toHaveProperty('value');
  });

  it('makes no options from a public key, and says what to do', () => {
    expect(() => fakeIdp(own).options('bot')).toThrow('principals.bot.key is a public key');
  });
});
