import { afterEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, decodeProtectedHeader } from 'jose';
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

describe('the way through the IdP', () => {
  it('asks each peer once, each for what it is for', async () => {
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
    expect(redeem?.form['scope']).toBeUndefined();
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

  it('leaves scope out where none is configured: the IdP decides', async () => {
    const { bot, world } = await start();
    expect((await bot.token('mcp')).scopes).toEqual(['tools:read', 'tools:write']);
    expect(world.idp.script.received('exchange')[0]?.form['scope']).toBeUndefined();
  });

  it('sends the audience that is set and still wants the issuer in the ID-JAG', async () => {
    const { bot, world } = await start({ server: { audience: 'urn:idp:linear' } });
    world.idp.script.always('exchange', async (honest, request) => {
      expect(request.form['audience']).toBe('urn:idp:linear');
      return honest();
    });
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_target', leg: 'exchange' });
  });

  it('sends authorization_details and further parameters, which cannot replace its own', async () => {
    const { bot, world } = await start({
      idp: { parameters: { tenant: 't1', audience: 'https://evil.example', subject_token: 'x' } },
      server: { authorizationDetails: [{ type: 'linear', actions: ['read'] }] },
    });
    await bot.token('mcp');
    const form = world.idp.script.received('exchange')[0]?.form;
    expect(form).toMatchObject({ tenant: 't1', audience: world.as.issuer });
    expect(form?.['subject_token']).not.toBe('x');
    expect(JSON.parse(form?.['authorization_details'] ?? '')).toEqual([{ type: 'linear', actions: ['read'] }]);
  });

  it('sends who acts, with the type that was configured', async () => {
    const { bot, world } = await start({ idp: { actor: fromWorkloadToken(() => 'actor.jwt.here') } });
    await bot.token('mcp');
    expect(world.idp.script.received('exchange')[0]?.form).toMatchObject({
      actor_token: 'actor.jwt.here',
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    });
  });
});

describe('what is kept', () => {
  it('makes a further access token cost one request while the ID-JAG lives', async () => {
    const { bot, counts } = await start();
    const first = await bot.token('mcp');
    bot.invalidate(first);
    const second = await bot.token('mcp');
    expect(second.value).not.toBe(first.value);
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 2 });
  });

  it('is replaced by a new ID-JAG once it has expired', async () => {
    let aheadMs = 0;
    const clock = { wallMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs };
    const { bot, world } = await start({ principal: { clock } });
    // tokens that live no time at all: each call is an acquisition
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

  it('is not kept where an ID-JAG may be used once: one vain try, and from then on none', async () => {
    const { bot, world, counts } = await start({ world: { as: { singleUse: true } } });
    // tokens that live no time at all: each call is an acquisition
    world.as.script.always('redeem', expiresIn(0));
    await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 1 });
    await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 2, asMetadata: 1, redeem: 3 });
    await bot.token('mcp');
    await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 4, asMetadata: 1, redeem: 5 });
  });

  it('gives a refused, kept subject token one fresh chain and no more', async () => {
    const { bot, world, counts } = await start({
      server: { scopes: ['tools:read'], stepUp: ['tools:write'] },
    });
    await bot.token('mcp');
    world.idp.script.once('exchange', refusal('invalid_grant', 'revoked'));
    await bot.token('mcp', { scopes: ['tools:write'] });
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 2, exchange: 3, asMetadata: 1, redeem: 2 });
  });

  it('is not asked for anew with every refusal, where a new subject token was refused a moment ago', async () => {
    const { bot, world, counts } = await start();
    await bot.token('mcp');
    world.idp.script.always('exchange', refusal('invalid_grant', 'no'));
    const asked = async (scope: string) => {
      const before = counts();
      await refusalOf(bot.token('mcp', { scopes: [scope] }));
      return countedBetween(before, counts());
    };
    expect(await asked('tools:read')).toEqual({
      idpMetadata: 0,
      authenticate: 1,
      exchange: 2,
      asMetadata: 0,
      redeem: 0,
    });
    expect(await asked('tools:write')).toEqual({
      idpMetadata: 0,
      authenticate: 0,
      exchange: 1,
      asMetadata: 0,
      redeem: 0,
    });
    expect(await asked('tools:admin')).toEqual({
      idpMetadata: 0,
      authenticate: 0,
      exchange: 1,
      asMetadata: 0,
      redeem: 0,
    });
  });

  it('takes a refused, fresh subject token for an answer', async () => {
    const { bot, world, counts } = await start();
    world.idp.script.always('exchange', refusal('invalid_grant', 'no'));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_grant', leg: 'exchange', contact: 'idp-admin', server: 'mcp' });
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 0 });
  });

  it('asks the application for its token each time, and believes a refusal of it', async () => {
    let asked = 0;
    const { bot, world } = await start({
      idp: {
        subject: fromIdToken(async () => {
          asked += 1;
          return 'not-a-good-token';
        }),
      },
    });
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_grant', leg: 'exchange' });
    expect(asked).toBe(1);
    expect(world.idp.script.count('authenticate')).toBe(0);
  });

  it('is presented again where an answer was lost, and a refusal of that costs one fresh chain', async () => {
    const { bot, world, counts } = await start({ world: { as: { singleUse: true } } });
    world.as.script.once('redeem', async (honest) => {
      await honest();
      return hangUp();
    });
    const token = await bot.token('mcp');
    expect(world.as.verify(token.value)).toBeDefined();
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 2, asMetadata: 1, redeem: 3 });
  });

  it('is not asked for again where the AS refuses a fresh ID-JAG', async () => {
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
  const forget = (bot: Bot) => bot.world.idp.forge({ claims: ({ resource: _resource, ...claims }) => claims });
  const quiet = editMembers({ resource: undefined });

  it.each([
    ['warn', 1],
    ['accept', 0],
  ] as const)('is sent on under the policy %s, with the resource beside it', async (missingResource, warnings) => {
    const running = await start({ server: { missingResource } });
    forget(running);
    running.world.idp.script.always('exchange', quiet);
    await running.bot.token('mcp');
    expect(running.world.as.script.received('redeem')[0]?.form['resource']).toBe(RESOURCE);
    const said = running.events.filter(({ type }) => type === 'warning');
    expect(said).toHaveLength(warnings);
    if (warnings > 0) expect(said[0]).toMatchObject({ leg: 'exchange', server: 'mcp' });
  });

  it('is refused under the policy refuse', async () => {
    const running = await start({ server: { missingResource: 'refuse' } });
    forget(running);
    running.world.idp.script.always('exchange', quiet);
    expect(await refusalOf(running.bot.token('mcp'))).toMatchObject({
      code: 'invalid_id_jag',
      leg: 'exchange',
      contact: 'idp-admin',
    });
    expect(running.world.as.script.count('redeem')).toBe(0);
  });
});

describe('an answer', () => {
  it('of less scope is a partial grant that says what is missing', async () => {
    const { bot, world, events } = await start({ server: { scopes: ['tools:read', 'tools:write'] } });
    world.idp.setPolicy(() => ['tools:read']);
    const token = await bot.token('mcp');
    expect(token).toMatchObject({ scopes: ['tools:read'], missingScopes: ['tools:write'] });
    expect(events.find(({ type }) => type === 'acquired')).toMatchObject({ missingScopes: ['tools:write'] });
  });

  it('of less scope than was asked for by name is a refusal', async () => {
    const { bot, world } = await start({ server: { scopes: ['tools:read', 'tools:write'] } });
    world.idp.setPolicy(() => ['tools:read']);
    expect(await refusalOf(bot.token('mcp', { scopes: ['tools:write'] }))).toMatchObject({
      code: 'scope_not_granted',
      contact: 'idp-admin',
      missingScopes: ['tools:write'],
    });
  });

  it('of less scope at the AS counts over what the ID-JAG says', async () => {
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

  it.each(['exchange', 'redeem'] as const)(
    'that names several resources, ours among them, is taken at %s',
    async (leg) => {
      const { bot, world } = await start();
      const several = editMembers({ resource: ['https://x.example', RESOURCE] });
      if (leg === 'exchange') world.idp.script.always('exchange', several);
      else world.as.script.always('redeem', several);
      expect((await bot.token('mcp')).resource).toBe(RESOURCE);
    },
  );

  it.each([
    ['an access token', 'urn:ietf:params:oauth:token-type:access_token', /not an ID-JAG/u],
    ['the misspelt type', 'urn:ietf:params:oauth:token-type:id_jag', /not an ID-JAG/u],
    ['no type', undefined, /is missing/u],
  ])('of %s is sent nowhere', async (_what, type, why) => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', editMembers({ issued_token_type: type }));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_response', leg: 'exchange', contact: 'idp-admin' });
    expect(error.message).toMatch(why);
    if (type?.endsWith('id_jag')) expect(error.remedy).toContain('hyphen');
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it.each(['N_A', 'n_a', 'Bearer'])('with the token_type %s is an ID-JAG all the same', async (type) => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', editMembers({ token_type: type }));
    expect((await bot.token('mcp')).type).toBe('Bearer');
  });

  it.each(['N_A', 'DPoP'])('with the token_type %s is no access token that can be used', async (type) => {
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
  ])('that lives %s seconds is understood', async (_what, value, seconds) => {
    const { bot, world } = await start();
    world.as.script.always('redeem', expiresIn(value));
    const { expiresAt } = await bot.token('mcp');
    const lives = (expiresAt.getTime() - Date.now()) / 1000;
    expect(Math.abs(lives - seconds)).toBeLessThan(5);
  });

  it('that lives 0 seconds is given to who asked and kept for nobody', async () => {
    const { bot, world, counts } = await start();
    world.as.script.always('redeem', expiresIn(0));
    await bot.token('mcp');
    await bot.token('mcp');
    expect(counts()).toEqual({ idpMetadata: 1, authenticate: 1, exchange: 1, asMetadata: 1, redeem: 2 });
  });
});

describe('a token bound to a key', () => {
  it('is refused before it is sent on where the IdP bound nothing', async () => {
    const { bot, world } = await start({ server: { dpop: await generateDpopKeyPair() } });
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange', contact: 'idp-admin' });
    const proof = world.idp.script.received('exchange')[0]?.headers['dpop'];
    expect(decodeProtectedHeader(String(proof))).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256' });
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it.each([
    ['DPoP', true],
    ['Bearer', false],
  ])('is taken when the AS says %s: %p', async (type, taken) => {
    const running = await start({ server: { dpop: await generateDpopKeyPair() } });
    const { bot, world } = running;
    world.idp.script.always('exchange', async (honest, request) => {
      const { jwk } = decodeProtectedHeader(String(request.headers['dpop']));
      const jkt = await calculateJwkThumbprint(jwk ?? {});
      world.idp.forge({ claims: (claims) => ({ ...claims, cnf: { jkt } }) });
      return honest();
    });
    world.as.script.always('redeem', editMembers({ token_type: type }));
    if (taken) expect((await bot.token('mcp')).type).toBe('DPoP');
    else expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_response', leg: 'redeem' });
    const [redeem] = world.as.script.received('redeem');
    expect(redeem?.headers['dpop']).toBeDefined();
  });
});

describe('wrong configuration and peers that are down', () => {
  it('a misspelt IdP issuer: discover, you', async () => {
    const { bot } = await start({ idp: { issuer: 'http://127.0.0.1:9/misspelt' } });
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'unreachable', leg: 'discover', retryable: true });
  });

  it('a client the IdP does not know: authenticate, idp-admin', async () => {
    const { bot, world } = await start();
    world.idp.clients.remove('bot-at-idp');
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_client', leg: 'authenticate', contact: 'idp-admin', status: 401 });
    expect(error.remedy).toContain('idp.credential');
  });

  it('a client the AS does not know: redeem, server-owner', async () => {
    const { bot, world } = await start();
    world.as.clients.remove('bot-at-as');
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_client', leg: 'redeem', contact: 'server-owner', server: 'mcp' });
    expect(error.remedy).toContain('servers.mcp.credential');
  });

  it('a wrong secret: the same', async () => {
    const { bot } = await start({ idp: { credential: clientSecret({ clientId: 'bot-at-idp', secret: 'wrong' }) } });
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_client', leg: 'authenticate' });
  });

  it('a scope that is not granted: exchange, idp-admin', async () => {
    const { bot } = await start({ server: { scopes: ['admin:all'] } });
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_scope', leg: 'exchange', contact: 'idp-admin', server: 'mcp' });
    expect(error.message).toContain('"admin:all"');
  });

  it.each([
    ['metadata', 'discover'],
    ['authenticate', 'authenticate'],
    ['exchange', 'exchange'],
  ] as const)('an IdP that is down at %s: %s, idp-admin, after three tries', async (where, leg) => {
    const { bot, world } = await start();
    world.idp.script.always(where, serverError(503));
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({
      code: 'peer_unavailable',
      leg,
      contact: 'idp-admin',
      issuer: world.idp.issuer,
      retryable: true,
    });
    expect(world.idp.script.count(where)).toBe(3);
  });

  it.each([
    ['metadata', 'discover'],
    ['redeem', 'redeem'],
  ] as const)('an AS that is down at %s: %s, server-owner, after three tries', async (where, leg) => {
    const { bot, world } = await start();
    world.as.script.always(where, serverError(502));
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({
      code: 'peer_unavailable',
      leg,
      contact: 'server-owner',
      server: 'mcp',
    });
    expect(world.as.script.count(where)).toBe(3);
  });

  it('metadata that speaks for another issuer: nothing is sent to its endpoint', async () => {
    const { bot, world } = await start();
    const evil = { token_endpoint: `${world.as.issuer}/token`, issuer: 'https://evil.example' };
    world.idp.script.always('metadata', editMembers(evil));
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'issuer_mismatch', leg: 'discover' });
    expect(world.idp.script.count('authenticate')).toBe(0);
    expect(world.as.script.count('redeem')).toBe(0);
  });

  it('an IdP that does not exchange: exchange, idp-admin', async () => {
    const { bot, world } = await start();
    world.idp.script.always('exchange', say({ status: 400, body: { error: 'unsupported_grant_type' } }));
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'unsupported_grant_type', leg: 'exchange', contact: 'idp-admin' });
    expect(error.remedy).toContain('token exchange');
  });
});
