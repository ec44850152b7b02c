import { afterEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader } from 'jose';
import {
  editMembers,
  expiresIn,
  grantedScope,
  otherResource,
  refusal,
  say,
  serverError,
} from '../../../../test/support/oauth-world.ts';
import { hangUp } from '../../../../test/support/peer.ts';
import { type Bot, type BotOptions, countedBetween, RESOURCE, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { generateDpopKeyPair } from '../dpop/dpop-keys.ts';
import { fromIdToken } from '../subjects/from-id-token.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';

const started: Bot[] = [];
async function start(options?: BotOptions): Promise<Bot> {
  const bot = await startBot(options);
  started.push(bot);
  return bot;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

describe("flow: 'enterprise-managed'", () => {
  it('sends each request once, with the parameters of its grant', async () => {
    const { bot, world, counts } = await start({ server: { scopes: ['tools:read'] } });
    const token = await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 1 });
    const [authenticate] = world.idp.script.received('authenticate');
    const [exchange] = world.idp.script.received('exchange');
    const [redeem] = world.as.script.received('redeem');
    expect(authenticate?.form).toEqual({ grant_type: 'client_credentials' });
    expect(exchange?.form).toMatchObject({
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: world.as.issuer,
      resource: RESOURCE,
      scope: 'tools:read',
    });
    expect(redeem?.form).toMatchObject({ assertion: world.idp.issued[0], resource: RESOURCE });
    expect(redeem?.form['scope']).toBe('tools:read');
    expect(token).toMatchObject({
      type: 'Bearer',
      scopes: ['tools:read'],
      missingScopes: [],
      issuer: world.as.issuer,
      resource: RESOURCE,
      server: 'mcp',
    });
    expect(world.as.verify(token.value)?.scopes).toEqual(['tools:read']);
  });

  it('sends each credential to the issuer it belongs to and to no other', async () => {
    const { bot, world } = await start();
    await bot.token('mcp');
    const atIdp = [...world.idp.script.received('authenticate'), ...world.idp.script.received('exchange')];
    for (const { basic } of atIdp) expect(basic).toEqual({ id: 'bot-at-idp', secret: world.idpClient.secret });
    const [redeem] = world.as.script.received('redeem');
    expect(redeem?.basic).toEqual({ id: 'bot-at-as', secret: world.asClient.secret });
    for (const { headers } of [...world.idp.script.received('metadata'), ...world.as.script.received('metadata')]) {
      expect(headers.authorization).toBeUndefined();
    }
  });

  it('sends no scope if none is configured, and the IdP grants its default', async () => {
    const { bot, world } = await start();
    expect((await bot.token('mcp')).scopes).toEqual(['tools:read', 'tools:write']);
    expect(world.idp.script.received('exchange')[0]?.form['scope']).toBeUndefined();
  });

  it('sends the configured audience, and still requires the issuer as audience of the ID-JAG', async () => {
    const { bot, world } = await start({ server: { audience: 'urn:idp:linear' } });
    world.idp.script.always('exchange', async (honest, request) => {
      expect(request.form['audience']).toBe('urn:idp:linear');
      return honest();
    });
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_target', leg: 'exchange' });
  });

  it('sends authorization_details and the configured parameters', async () => {
    const { bot, world } = await start({
      idp: { parameters: { tenant: 't1' } },
      server: { authorizationDetails: [{ type: 'linear', actions: ['read'] }] },
    });
    await bot.token('mcp');
    const form = world.idp.script.received('exchange')[0]?.form;
    expect(form).toMatchObject({ tenant: 't1', audience: world.as.issuer });
    expect(JSON.parse(form?.['authorization_details'] ?? '')).toEqual([{ type: 'linear', actions: ['read'] }]);
  });

  it('sends no resource to the AS with resourceParameter: omit, and the resource to the IdP', async () => {
    const { bot, world } = await start({ server: { resourceParameter: 'omit' } });
    expect((await bot.token('mcp')).resource).toBe(RESOURCE);
    expect(world.idp.script.received('exchange')[0]?.form['resource']).toBe(RESOURCE);
    expect(world.as.script.received('redeem')[0]?.form).not.toHaveProperty('resource');
  });

  it.each(['invalid_scope', 'invalid_request'])(
    'says to configure scopes if the IdP refuses an exchange without them: %s',
    async (code) => {
      const { bot, world } = await start();
      world.idp.script.always('exchange', refusal(code, "'scope' must not be empty"));
      const error = await refusalOf(bot.token('mcp'));
      expect(error).toMatchObject({ code, leg: 'exchange', contact: 'you' });
      expect(error.remedy).toContain('configure servers.mcp.scopes');
    },
  );

  it('sends the actor token with the configured type', async () => {
    const { bot, world } = await start({ idp: { actor: fromWorkloadToken(() => 'actor.jwt.here') } });
    await bot.token('mcp');
    expect(world.idp.script.received('exchange')[0]?.form).toMatchObject({
      actor_token: 'actor.jwt.here',
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    });
  });
});

describe('a cached subject token or ID-JAG', () => {
  it('reduces the next access token to one request until the ID-JAG expires', async () => {
    const { bot, counts } = await start();
    const first = await bot.token('mcp');
    bot.invalidate(first);
    const second = await bot.token('mcp');
    expect(second.value).not.toBe(first.value);
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 2 });
  });

  it('is replaced by a new ID-JAG after it has expired', async () => {
    let aheadMs = 0;
    const clock = { wallMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
    const { bot, world } = await start({ principal: { clock } });
    // The access tokens have no lifetime, so each call of token() is an acquisition.
    world.as.script.always('redeem', expiresIn(0));
    await bot.token('mcp');
    await bot.token('mcp');
    expect(world.idp.script.count('exchange')).toBe(1);
    aheadMs = 301_000;
    await bot.token('mcp');
    expect(world.idp.script.count('exchange')).toBe(2);
    const [first, again, last] = world.as.script.received('redeem').map(({ form }) => form['assertion']);
    expect(again).toBe(first);
    expect(last).not.toBe(first);
  });

  it('is not used again after the AS has refused it once, if the AS accepts each ID-JAG only once', async () => {
    const { bot, world, counts } = await start({ world: { as: { singleUse: true } } });
    // The access tokens have no lifetime, so each call of token() is an acquisition.
    world.as.script.always('redeem', expiresIn(0));
    await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 1 });
    await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 2, asMetadata: 1, redeem: 3 });
    await bot.token('mcp');
    await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 4, asMetadata: 1, redeem: 5 });
  });

  it('is replaced once by a new subject token if the IdP refuses it', async () => {
    const { bot, world, counts } = await start({
      server: { scopes: ['tools:read'], stepUp: ['tools:write'] },
    });
    await bot.token('mcp');
    world.idp.script.once('exchange', refusal('invalid_grant', 'revoked'));
    await bot.token('mcp', { scopes: ['tools:write'] });
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 2, exchange: 3, asMetadata: 1, redeem: 2 });
  });

  it('is not replaced by a new subject token after each refusal if a new one was refused just before', async () => {
    const { bot, world, counts } = await start();
    await bot.token('mcp');
    world.idp.script.always('exchange', refusal('invalid_grant', 'no'));
    const requestsFor = async (scope: string) => {
      const before = counts();
      await refusalOf(bot.token('mcp', { scopes: [scope] }));
      return countedBetween(before, counts());
    };
    expect(await requestsFor('tools:read')).toEqual({
      idpMetadata: 0,
      authenticate: 1,
      exchange: 2,
      asMetadata: 0,
      redeem: 0,
    });
    expect(await requestsFor('tools:write')).toEqual({
      idpMetadata: 0,
      authenticate: 0,
      exchange: 1,
      asMetadata: 0,
      redeem: 0,
    });
    expect(await requestsFor('tools:admin')).toEqual({
      idpMetadata: 0,
      authenticate: 0,
      exchange: 1,
      asMetadata: 0,
      redeem: 0,
    });
  });

  it('is not requested again if the IdP refuses a new subject token', async () => {
    const { bot, world, counts } = await start();
    world.idp.script.always('exchange', refusal('invalid_grant', 'no'));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_grant', leg: 'exchange', contact: 'idp-admin', server: 'mcp' });
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 0 });
  });

  it('is not requested again if the IdP refuses a token of the application', async () => {
    let getterCalls = 0;
    const { bot, world } = await start({
      idp: {
        subject: fromIdToken(async () => {
          getterCalls += 1;
          return 'invalid-token';
        }),
      },
    });
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_grant', leg: 'exchange' });
    expect(getterCalls).toBe(1);
    expect(world.idp.script.count('authenticate')).toBe(0);
  });

  it('is replaced once if a response was lost and the AS refuses the ID-JAG of the second attempt', async () => {
    const { bot, world, counts } = await start({ world: { as: { singleUse: true } } });
    world.as.script.once('redeem', async (honest) => {
      await honest();
      return hangUp();
    });
    const token = await bot.token('mcp');
    expect(world.as.verify(token.value)).toBeDefined();
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 2, asMetadata: 1, redeem: 3 });
  });

  it('is not requested again if the AS refuses a new ID-JAG', async () => {
    const { bot, world, counts } = await start();
    world.as.script.always('redeem', refusal('invalid_grant', 'the issuer is not trusted'));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({
      code: 'invalid_grant',
      leg: 'redeem',
      contact: 'server-owner',
      errorDescription: 'the issuer is not trusted',
    });
    expect(error.remedy).toContain('bot-at-as');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 1 });
  });
});

describe('an ID-JAG that names no resource', () => {
  const issueWithoutResource = (bot: Bot) =>
    bot.world.idp.forge({ claims: ({ resource: _resource, ...claims }) => claims });
  const withoutResource = editMembers({ resource: undefined });

  it.each([
    ['warn', 1],
    ['accept', 0],
  ] as const)(
    'is redeemed with missingResource: %s, and the request contains the resource',
    async (missingResource, warningCount) => {
      const running = await start({ server: { missingResource } });
      issueWithoutResource(running);
      running.world.idp.script.always('exchange', withoutResource);
      await running.bot.token('mcp');
      expect(running.world.as.script.received('redeem')[0]?.form['resource']).toBe(RESOURCE);
      const warnings = running.events.filter(({ type }) => type === 'warning');
      expect(warnings).toHaveLength(warningCount);
      if (warningCount > 0) expect(warnings[0]).toMatchObject({ leg: 'exchange', server: 'mcp' });
    },
  );

  it('is refused with missingResource: refuse', async () => {
    const running = await start({ server: { missingResource: 'refuse' } });
    issueWithoutResource(running);
    running.world.idp.script.always('exchange', withoutResource);
    expect(await refusalOf(running.bot.token('mcp'))).toMatchObject({
      code: 'invalid_id_jag',
      leg: 'exchange',
      contact: 'idp-admin',
    });
    expect(running.world.as.script.count('redeem')).toBe(0);
  });
});

describe('a token response', () => {
  it('with fewer scopes than configured becomes a partial grant with the missing scopes', async () => {
    const { bot, world, events } = await start({ server: { scopes: ['tools:read', 'tools:write'] } });
    world.idp.setPolicy(() => ['tools:read']);
    const token = await bot.token('mcp');
    expect(token).toMatchObject({ scopes: ['tools:read'], missingScopes: ['tools:write'] });
    expect(events.find(({ type }) => type === 'acquired')).toMatchObject({ missingScopes: ['tools:write'] });
  });

  it('without an explicitly requested scope becomes the error scope_not_granted', async () => {
    const { bot, world } = await start({ server: { scopes: ['tools:read', 'tools:write'] } });
    world.idp.setPolicy(() => ['tools:read']);
    expect(await refusalOf(bot.token('mcp', { scopes: ['tools:write'] }))).toMatchObject({
      code: 'scope_not_granted',
      contact: 'idp-admin',
      missingScopes: ['tools:write'],
    });
  });

  it('of the AS with fewer scopes than the ID-JAG decides the scopes of the token', async () => {
    const { bot, world } = await start({ server: { scopes: ['tools:read', 'tools:write'] } });
    world.as.script.always('redeem', grantedScope('tools:read'));
    expect(await bot.token('mcp')).toMatchObject({ scopes: ['tools:read'], missingScopes: ['tools:write'] });
  });

  it.each(['exchange', 'redeem'] as const)('for another resource is refused at %s', async (leg) => {
    const { bot, world } = await start();
    const wrong = otherResource('https://evil.example/mcp');
    if (leg === 'exchange') world.idp.script.always('exchange', wrong);
    else world.as.script.always('redeem', wrong);
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({
      code: 'resource_mismatch',
      leg,
      contact: leg === 'exchange' ? 'idp-admin' : 'server-owner',
      server: 'mcp',
    });
    expect(error.message).toContain('https://evil.example/mcp');
  });

  it.each([
    ['the type of an access token', 'urn:ietf:params:oauth:token-type:access_token', /not an ID-JAG/u],
    ['the misspelt type', 'urn:ietf:params:oauth:token-type:id_jag', /not an ID-JAG/u],
    ['no type', undefined, /is missing/u],
  ])('to the exchange with %s is refused, and nothing is sent to the AS', async (_what, type, why) => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', editMembers({ issued_token_type: type }));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_response', leg: 'exchange', contact: 'idp-admin' });
    expect(error.message).toMatch(why);
    if (type?.endsWith('id_jag')) expect(error.remedy).toContain('hyphen');
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it.each(['N_A', 'n_a', 'Bearer'])('to the exchange with the token_type %s is accepted', async (type) => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', editMembers({ token_type: type }));
    expect((await bot.token('mcp')).type).toBe('Bearer');
  });

  it.each(['N_A', 'DPoP'])('of the AS with the token_type %s is refused', async (type) => {
    const { bot, world } = await start();
    world.as.script.always('redeem', editMembers({ token_type: type }));
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({
      code: 'invalid_response',
      leg: 'redeem',
      contact: 'server-owner',
    });
  });

  it.each([
    ['"3600"', '3600', 3_600],
    ['"abc"', 'abc', 300],
    ['null', null, 300],
    ['-1', -1, 300],
    ['1e99', 1e99, 31_536_000],
  ])('with expires_in %s becomes a token with the expected lifetime', async (_what, value, seconds) => {
    const { bot, world } = await start();
    world.as.script.always('redeem', expiresIn(value));
    const { expiresAt } = await bot.token('mcp');
    const lifetimeSeconds = (expiresAt.getTime() - Date.now()) / 1000;
    expect(Math.abs(lifetimeSeconds - seconds)).toBeLessThan(5);
  });

  it('with expires_in 0 becomes a token that is returned and not cached', async () => {
    const { bot, world, counts } = await start();
    world.as.script.always('redeem', expiresIn(0));
    await bot.token('mcp');
    await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 2 });
  });
});

describe('a DPoP-bound token', () => {
  it('is not requested from the AS if the ID-JAG is not bound to the DPoP key', async () => {
    const { bot, world } = await start({ server: { dpop: await generateDpopKeyPair() } });
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange', contact: 'idp-admin' });
    const proof = world.idp.script.received('exchange')[0]?.headers['dpop'];
    expect(decodeProtectedHeader(String(proof))).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256' });
    // A server without tolerance refuses a proof that is ahead of its clock.
    const ageSeconds = Date.now() / 1000 - (decodeJwt(String(proof)).iat ?? 0);
    expect(ageSeconds).toBeGreaterThanOrEqual(3);
    expect(ageSeconds).toBeLessThan(10);
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it.each([
    ['DPoP', true],
    ['Bearer', false],
  ])('is accepted if the AS answers with the token_type %s: %p', async (type, accepted) => {
    const running = await start({ server: { dpop: await generateDpopKeyPair() } });
    const { bot, world } = running;
    world.idp.script.always('exchange', async (honest, request) => {
      const { jwk } = decodeProtectedHeader(String(request.headers['dpop']));
      const jkt = await calculateJwkThumbprint(jwk ?? {});
      world.idp.forge({ claims: (claims) => ({ ...claims, cnf: { jkt } }) });
      return honest();
    });
    world.as.script.always('redeem', editMembers({ token_type: type }));
    if (accepted) expect((await bot.token('mcp')).type).toBe('DPoP');
    else expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_response', leg: 'redeem' });
    const [redeem] = world.as.script.received('redeem');
    expect(redeem?.headers['dpop']).toBeDefined();
  });
});

describe('an error of the flow enterprise-managed', () => {
  it('has the leg discover for a misspelt IdP issuer', async () => {
    const { bot } = await start({ idp: { issuer: 'http://127.0.0.1:9/misspelt' } });
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'unreachable', leg: 'discover', retryable: true });
  });

  it('has the leg authenticate and the contact you for a client with a secret that the IdP does not know', async () => {
    const { bot, world } = await start();
    world.idp.clients.remove('bot-at-idp');
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_client', leg: 'authenticate', contact: 'you', status: 401 });
    expect(error.remedy).toContain('idp.credential');
  });

  it('has the leg redeem and the contact you for a client with a secret that the AS does not know', async () => {
    const { bot, world } = await start();
    world.as.clients.remove('bot-at-as');
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_client', leg: 'redeem', contact: 'you', server: 'mcp' });
    expect(error.remedy).toContain('servers.mcp.credential');
  });

  it('has the leg authenticate for a wrong client secret at the IdP', async () => {
    const { bot } = await start({ idp: { credential: clientSecret({ clientId: 'bot-at-idp', secret: 'wrong' }) } });
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_client', leg: 'authenticate' });
  });

  it('has the leg exchange and the contact idp-admin for a scope that is not granted', async () => {
    const { bot } = await start({ server: { scopes: ['admin:all'] } });
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_scope', leg: 'exchange', contact: 'idp-admin', server: 'mcp' });
    expect(error.message).toContain('"admin:all"');
  });

  it.each([
    // Each attempt requests the two well-known paths.
    ['metadata', 'discover', 6],
    ['authenticate', 'authenticate', 3],
    ['exchange', 'exchange', 3],
  ] as const)(
    'for an IdP that fails at %s has the leg %s and the contact idp-admin after three attempts',
    async (where, leg, requests) => {
      const { bot, world } = await start();
      world.idp.script.always(where, serverError(503));
      expect(await refusalOf(bot.token('mcp'))).toMatchObject({
        code: 'peer_unavailable',
        leg,
        contact: 'idp-admin',
        issuer: world.idp.issuer,
        retryable: true,
      });
      expect(world.idp.script.count(where)).toBe(requests);
    },
  );

  it.each([
    ['metadata', 'discover'],
    ['redeem', 'redeem'],
  ] as const)(
    'for an AS that fails at %s has the leg %s and the contact server-owner after three attempts',
    async (where, leg) => {
      const { bot, world } = await start();
      world.as.script.always(where, serverError(502));
      expect(await refusalOf(bot.token('mcp'))).toMatchObject({
        code: 'peer_unavailable',
        leg,
        contact: 'server-owner',
        server: 'mcp',
      });
      expect(world.as.script.count(where)).toBe(3);
    },
  );

  it('has the leg discover for metadata of another issuer, and no token request is sent', async () => {
    const { bot, world } = await start();
    const evil = { token_endpoint: `${world.as.issuer}/token`, issuer: 'https://evil.example' };
    world.idp.script.always('metadata', editMembers(evil));
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'issuer_mismatch', leg: 'discover' });
    expect(world.idp.script.count('authenticate')).toBe(0);
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it('has the leg exchange and the contact idp-admin for an IdP that does not support token exchange', async () => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', say({ status: 400, body: { error: 'unsupported_grant_type' } }));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'unsupported_grant_type', leg: 'exchange', contact: 'idp-admin' });
    expect(error.remedy).toContain('token exchange');
  });
});
