import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { type Bot, type BotOptions, RESOURCE, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { memoryStore } from '../store/memory-store.ts';
import { fromIdToken } from '../subjects/from-id-token.ts';
import { fromRefreshToken } from '../subjects/from-refresh-token.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';
import type { SubjectTokenSource } from '../subjects/subject.ts';
import { ServicePrincipal } from './service-principal.ts';

const started: Bot[] = [];
async function start(options?: BotOptions): Promise<Bot> {
  const bot = await startBot(options);
  started.push(bot);
  return bot;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

const OTHER = 'http://127.0.0.1:9/other';

/** A bot with two servers, whose subject token comes from `source`. */
async function startWith(
  source: (token: () => string) => SubjectTokenSource,
  options: BotOptions = {},
): Promise<
  Bot & { say: (token: string) => void; idToken: (subject: string) => Promise<string>; twin: () => ServicePrincipal }
> {
  let current = 'none';
  const getter = () => current;
  const started_ = await start({
    ...options,
    idp: { subject: source(getter), ...options.idp },
    world: { as: { resources: [RESOURCE, OTHER] } },
  });
  const { world } = started_;
  const configuration = {
    idp: {
      issuer: world.idp.issuer,
      credential: clientSecret({ clientId: 'bot-at-idp', secret: world.idpClient.secret ?? '' }),
      subject: source(getter),
    },
    servers: {
      mcp: {
        url: RESOURCE,
        resource: RESOURCE,
        issuer: world.as.issuer,
        credential: clientSecret({ clientId: 'bot-at-as', secret: world.asClient.secret ?? '' }),
      },
    },
    ...(options.principal?.store && { store: options.principal.store }),
  };
  return {
    ...started_,
    say: (token) => {
      current = token;
    },
    idToken: async (subject) => world.idp.idToken({ audience: 'bot-at-idp', subject }),
    twin: () => new ServicePrincipal(configuration),
  };
}

const identity = { identity: 'the-bot' };

describe('a service principal whose subject token changes its subject', () => {
  it.each<[string, (getter: () => string) => SubjectTokenSource]>([
    ['fromIdToken', (getter) => fromIdToken(getter)],
    ['fromWorkloadToken', (getter) => fromWorkloadToken(getter, { type: 'urn:ietf:params:oauth:token-type:id_token' })],
  ])('is refused before the token is sent, and told of onBehalfOf: %s', async (kind, source) => {
    const { bot, say, idToken, counts, world } = await startWith(source);
    say(await idToken('alice'));
    const first = await bot.token('mcp');
    say(await idToken('alice'));
    world.idp.script.once('exchange', (honest) => honest());
    bot.invalidate(first);
    say(await idToken('bob'));
    const before = counts().exchange;
    const error = await refusalOf(bot.token('mcp', { scopes: ['tools:write'] }));
    expect(error).toMatchObject({ code: 'subject_changed', leg: 'authenticate', contact: 'you', server: 'mcp' });
    expect(error.message).toContain(kind);
    expect(error.remedy).toContain('bot.onBehalfOf(getUserToken, { identity })');
    expect(counts().exchange).toBe(before);
    expect(`${error.message} ${error.remedy}`).not.toMatch(/alice|bob/u);
  });

  it('works again with the first subject, and a renewed token of it is accepted', async () => {
    const { bot, say, idToken } = await startWith((getter) => fromIdToken(getter));
    say(await idToken('alice'));
    await bot.token('mcp');
    say(await idToken('bob'));
    await refusalOf(bot.token('mcp', { scopes: ['tools:write'] }));
    say(await idToken('alice'));
    await bot.token('mcp', { scopes: ['tools:read'] });
  });

  it('accepts the tokens of two sources with two subjects, because each has its own', async () => {
    const { bot, say, idToken, world } = await startWith((getter) => fromIdToken(getter), {
      idp: { actor: fromWorkloadToken(() => 'opaque') },
    });
    say(await idToken('alice'));
    await bot.token('mcp');
    expect(world.idp.issued).toHaveLength(1);
  });

  it('is refused by the subject of the ID-JAG if the token is opaque: fromRefreshToken', async () => {
    const { bot, say, world, counts } = await startWith((getter) => fromRefreshToken(getter));
    say(world.idp.refreshToken('bot-at-idp', 'alice'));
    await bot.token('mcp');
    say(world.idp.refreshToken('bot-at-idp', 'bob'));
    const error = await refusalOf(bot.token('mcp', { scopes: ['tools:write'] }));
    expect(error).toMatchObject({ code: 'subject_changed', leg: 'exchange', contact: 'you' });
    expect(counts().redeem).toBe(1);
  });

  it('is refused by the subject of the ID-JAG if the IdP changes it: ownToken', async () => {
    const { bot, world, counts } = await start();
    await bot.token('mcp');
    world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'somebody else' }) });
    const error = await refusalOf(bot.token('mcp', { scopes: ['tools:write'] }));
    expect(error).toMatchObject({ code: 'subject_changed', leg: 'exchange' });
    expect(counts().redeem).toBe(1);
  });

  it('does not remember a subject that the IdP did not accept', async () => {
    const { bot, say, idToken } = await startWith((getter) => fromIdToken(getter));
    const forged = (await idToken('mallory')).replace(/\.[^.]*$/u, '.AAAA');
    say(forged);
    expect(await refusalOf(bot.token('mcp'))).toMatchObject({ code: 'invalid_grant' });
    say(await idToken('alice'));
    expect((await bot.token('mcp', { scopes: ['tools:read'] })).scopes).toEqual(['tools:read']);
  });

  it.each<[string, readonly [readonly string[], readonly string[]] | undefined]>([
    ['for the same scopes', undefined],
    ['for other scopes', [['tools:read'], ['tools:write']]],
  ])('is refused if two requests of users are interleaved by an AsyncLocalStorage, %s', async (_what, scopes) => {
    const request = new AsyncLocalStorage<string>();
    const { bot, world, idToken } = await startWith(() => fromIdToken(() => request.getStore() ?? ''));
    const [alice, bob] = await Promise.all([idToken('alice'), idToken('bob')]);
    const outcomes = await Promise.allSettled([
      request.run(alice, () => bot.token('mcp', { scopes: scopes?.[0] })),
      request.run(bob, () => bot.token('mcp', { scopes: scopes?.[1] })),
    ]);
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const refused = outcomes.find((outcome) => outcome.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'subject_changed' });
    // The ID-JAG of the other user, if one was issued, was not redeemed.
    const redeemed = world.as.script.received('redeem').map(({ form }) => decodeJwt(form['assertion'] ?? '').sub);
    expect(redeemed).toEqual([outcomes[0].status === 'fulfilled' ? 'alice' : 'bob']);
  });
});

describe('a service principal with a store that is restarted with the token of another subject', () => {
  it('does not use the stored access token', async () => {
    const store = memoryStore();
    const { bot, say, idToken, twin, counts } = await startWith((getter) => fromIdToken(getter, identity), {
      principal: { store },
    });
    say(await idToken('alice'));
    await bot.token('mcp');
    const before = counts();
    say(await idToken('bob'));
    const restarted = twin();
    expect(await refusalOf(restarted.token('mcp'))).toMatchObject({ code: 'subject_changed', leg: 'authenticate' });
    say(await idToken('alice'));
    const again = twin();
    expect((await again.token('mcp')).scopes).toEqual(['tools:read', 'tools:write']);
    expect(counts()).toEqual(before);
    await Promise.all([restarted.close(), again.close()]);
  });

  it('uses the stored access token while the getter fails', async () => {
    const store = memoryStore();
    const { bot, say, idToken, twin } = await startWith((getter) => fromIdToken(getter, identity), {
      principal: { store },
    });
    say(await idToken('alice'));
    await bot.token('mcp');
    say('');
    const restarted = twin();
    expect((await restarted.token('mcp')).scopes).toEqual(['tools:read', 'tools:write']);
    await restarted.close();
  });
});
