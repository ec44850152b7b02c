import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import type { HonestAnswer } from '../../../../test/support/oauth-world/script.ts';
import { type Bot, type BotOptions, RESOURCE, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { clientSecret } from '../credentials/client-secret.ts';
import { memoryStore } from '../store/memory-store.ts';
import { fromIdToken } from '../subjects/from-id-token.ts';
import { fromRefreshToken } from '../subjects/from-refresh-token.ts';
import { fromWorkloadToken } from '../subjects/from-workload-token.ts';
import type { OnBehalfOfOptions } from './on-behalf-of-options.ts';
import { ServicePrincipal } from './service-principal.ts';

const started: Bot[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

async function start(options?: BotOptions) {
  const bot = await startBot(options);
  started.push(bot);
  const { world } = bot;
  const saved = new Map<string, HonestAnswer>();
  return {
    ...bot,
    /** The principal of a user, whose getter returns a new token each time. */
    user: (name: string, more: Partial<OnBehalfOfOptions> = {}): ServicePrincipal =>
      bot.bot.onBehalfOf(async () => world.idp.idToken({ audience: 'bot-at-idp', subject: name, lifetime: 300 }), {
        identity: `account of ${name}`,
        ...more,
      }),
    save: (name: string) =>
      world.idp.script.once('exchange', async (honest) => {
        const answer = await honest();
        saved.set(name, answer);
        return answer;
      }),
    replay: (name: string) => world.idp.script.once('exchange', async (honest) => saved.get(name) ?? honest()),
    /** The subjects of the ID-JAGs that were redeemed. */
    redeemed: () => world.as.script.received('redeem').map(({ form }) => decodeJwt(form['assertion'] ?? '').sub),
  };
}

const read = { scopes: ['tools:read'] };
const without = (name: string) => (claims: Readonly<Record<string, unknown>>) => {
  const { [name]: _removed, ...rest } = claims;
  return rest;
};

describe('a bot that gets the ID-JAG of a user for its own request', () => {
  it('does not use it, and the user and the bot work afterwards', async () => {
    const { bot, user, save, replay, redeemed } = await start();
    save('alice');
    await user('alice').token('mcp');
    replay('alice');
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange', contact: 'idp-admin', server: 'mcp' });
    expect(error.message).toContain('was not used: "sub" belongs to a user');
    await user('alice').token('mcp');
    await bot.token('mcp', read);
    expect(redeemed()).toEqual(['alice', 'alice', 'bot-at-idp']);
  });

  it('does not use it if the user is not known, because of its act', async () => {
    const { bot, user, world, redeemed } = await start();
    await user('bob').token('mcp');
    world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'alice', act: { sub: 'bot-at-idp' } }) });
    const error = await refusalOf(bot.token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_id_jag', contact: 'idp-admin' });
    expect(error.message).toContain('the exchange contained no actor_token');
    expect(error.remedy).toContain("actor: 'client'");
    world.idp.forge(undefined);
    await bot.token('mcp', read);
    await user('alice').token('mcp');
    expect(redeemed()).toEqual(['bob', 'bot-at-idp', 'alice']);
  });

  it('accepts an act that the IdP states for each client, if it is about the bot or the bot has no users', async () => {
    const { bot, user, world, redeemed } = await start();
    world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'pseudonym', act: { sub: 'bot-at-idp' } }) });
    await bot.token('mcp');
    world.idp.forge(undefined);
    await user('bob').token('mcp');
    expect(redeemed()).toEqual(['pseudonym', 'bob']);
  });

  it('does not use it if the user is known by the token alone', async () => {
    const { bot, user, world, redeemed } = await start();
    world.idp.forge({ claims: ({ sub, ...claims }) => ({ ...claims, sub: `pseudonym of ${String(sub)}` }) });
    await user('alice').token('mcp');
    world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'alice' }) });
    expect((await refusalOf(bot.token('mcp'))).message).toContain('"sub" belongs to a user');
    expect(redeemed()).toEqual(['pseudonym of alice']);
  });

  it('drops it when the user comes later, and both work afterwards', async () => {
    const { bot, user, world, redeemed } = await start();
    world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'alice' }) });
    const wrong = await bot.token('mcp');
    world.idp.forge(undefined);
    expect(await refusalOf(user('alice').token('mcp'))).toMatchObject({ code: 'invalid_id_jag' });
    expect((await bot.token('mcp')).value).not.toBe(wrong.value);
    await user('alice').token('mcp');
    expect(redeemed()).toEqual(['alice', 'bot-at-idp', 'alice']);
  });

  it('uses an ID-JAG with act if an actor token was sent', async () => {
    const { bot, world } = await start({ idp: { actor: fromWorkloadToken(() => 'opaque') } });
    world.idp.forge({ claims: (claims) => ({ ...claims, act: { sub: 'workload' } }) });
    await bot.token('mcp');
  });
});

describe('two users whose answers are mixed up', () => {
  it('are both refused if the answers are swapped, and get their own tokens afterwards', async () => {
    const { user, world, redeemed } = await start();
    const answers: HonestAnswer[] = [];
    let both: () => void = () => undefined;
    const areBoth = new Promise<void>((resolve) => {
      both = resolve;
    });
    for (const own of [0, 1]) {
      world.idp.script.once('exchange', async (honest) => {
        answers[own] = await honest();
        if (answers[0] && answers[1]) both();
        await areBoth;
        return answers[1 - own] ?? honest();
      });
    }
    const errors = await Promise.all(['alice', 'bob'].map(async (name) => refusalOf(user(name).token('mcp'))));
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'invalid_id_jag', contact: 'idp-admin' });
      expect(error.message).toContain('"sub" belongs to another user');
    }
    expect(redeemed()).toEqual([]);
    await Promise.all(['alice', 'bob'].map(async (name) => user(name).token('mcp')));
    expect(new Set(redeemed())).toEqual(new Set(['alice', 'bob']));
  });

  it('are both refused if the second one shows that the first one got the wrong answer', async () => {
    const store = memoryStore();
    const { user, world, redeemed } = await start({ principal: { store } });
    world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'alice' }) });
    const bob = user('bob');
    await bob.token('mcp');
    const call = bob.fetchFor('mcp');
    world.idp.forge(undefined);
    const errors = [
      await refusalOf(user('alice').token('mcp')),
      // The cached token is dropped, also for a principal that already has it.
      await refusalOf(bob.token('mcp')),
      await refusalOf(async () => call('http://127.0.0.1:9/mcp')),
      await refusalOf(user('bob').token('mcp')),
      await refusalOf(user('alice').token('mcp', read)),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'invalid_id_jag', contact: 'idp-admin' });
      expect(error.message).toContain('"sub" belongs to another user');
      expect(error.remedy).toContain('administrator of the IdP');
    }
    await user('carol').token('mcp');
    expect(redeemed()).toEqual(['alice', 'carol']);
  });

  it('get their own tokens after a restart with the same store', async () => {
    const store = memoryStore();
    const { user, world, redeemed } = await start({ principal: { store } });
    const { idp, as, idpClient, asClient } = world;
    const tokens = new Map<string, string>();
    for (const name of ['alice', 'bob']) {
      tokens.set(name, await idp.idToken({ audience: 'bot-at-idp', subject: name, lifetime: 300 }));
    }
    idp.forge({ claims: (claims) => ({ ...claims, sub: 'alice' }) });
    const actingFor = (principal: ServicePrincipal, name: string) =>
      principal.onBehalfOf(() => tokens.get(name) ?? '', { identity: `account of ${name}` });
    const restarted = new ServicePrincipal({
      idp: {
        issuer: idp.issuer,
        credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? '' }),
      },
      servers: {
        mcp: {
          url: RESOURCE,
          resource: RESOURCE,
          issuer: as.issuer,
          credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
        },
      },
      store,
    });
    const bot = started.at(-1)?.bot ?? restarted;
    await actingFor(bot, 'bob').token('mcp');
    idp.forge(undefined);
    await refusalOf(user('alice').token('mcp'));
    await refusalOf(actingFor(bot, 'bob').token('mcp'));
    // The store no longer has the wrong access token, nor the wrong ID-JAG.
    await actingFor(restarted, 'bob').token('mcp');
    await actingFor(restarted, 'alice').token('mcp', read);
    expect(redeemed()).toEqual(['alice', 'bob', 'alice']);
    await restarted.close();
  });

  it('are both refused if they have the same pseudonym, or opaque tokens', async () => {
    const { bot, user, world } = await start();
    const opaque = (name: string) => {
      const token = world.idp.refreshToken('bot-at-idp', name);
      return bot.onBehalfOf(
        fromRefreshToken(() => token),
        { identity: `account of ${name}` },
      );
    };
    for (const [principal, names] of [
      [user, ['alice', 'bob']],
      [opaque, ['carol', 'dave']],
    ] as const) {
      world.idp.forge({ claims: (claims) => ({ ...claims, sub: `pseudonym of ${names[0]}` }) });
      await principal(names[0]).token('mcp');
      expect(await refusalOf(principal(names[1]).token('mcp'))).toMatchObject({ code: 'invalid_id_jag' });
      expect(await refusalOf(principal(names[0]).token('mcp', read))).toMatchObject({ code: 'invalid_id_jag' });
    }
  });

  it('are one user if their tokens have the same subject', async () => {
    const { user } = await start();
    await user('alice').token('mcp');
    await user('alice', { identity: 'another key' }).token('mcp');
    await user('alice').token('mcp', read);
  });

  it('does not take the subject of a token that the IdP has refused for that of a user', async () => {
    const { bot, user, world } = await start();
    const forged = (
      await world.idp.idToken({ audience: 'bot-at-idp', subject: 'pseudonym of bob', lifetime: 300 })
    ).replace(/\.[^.]*$/u, '.AAAA');
    await refusalOf(bot.onBehalfOf(() => forged, { identity: 'mallory' }).token('mcp'));
    world.idp.forge({ claims: ({ sub, ...claims }) => ({ ...claims, sub: `pseudonym of ${String(sub)}` }) });
    await user('bob').token('mcp');
  });
});

describe('the actor of an ID-JAG for a user', () => {
  const warnings = ({ events }: Pick<Bot, 'events'>) =>
    events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));

  it.each<[string, Record<string, unknown>, string]>([
    ['names a user of this process', { sub: 'carol' }, 'another actor than the bot'],
    ['names the bot of another issuer', { sub: 'bot-at-idp', iss: 'https://evil.example' }, 'another issuer'],
  ])('is refused if it %s', async (_what, act, why) => {
    const { user, world, redeemed } = await start();
    await user('carol').token('mcp');
    world.idp.forge({ claims: (claims) => ({ ...claims, act }) });
    expect((await refusalOf(user('alice').token('mcp'))).message).toContain(why);
    expect(redeemed()).toEqual(['carol']);
  });

  it("is refused if the bot's own token shows that it is another, and the IdP has no pseudonyms", async () => {
    let token = '';
    const { user, world, redeemed } = await start({ idp: { actor: fromIdToken(() => token) } });
    token = await world.idp.idToken({ audience: 'bot-at-idp', subject: 'service account 7', lifetime: 300 });
    world.idp.forge({
      claims: (claims) => ({ ...claims, act: { sub: 'mallory', act: { sub: 'service account 7' } } }),
    });
    expect((await refusalOf(user('alice').token('mcp'))).message).toContain('another actor than the bot');
    expect(redeemed()).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a name that may be a pseudonym of the bot', { sub: 'mallory' }],
    ['an earlier actor', { sub: 'bot-at-idp', act: { sub: 'other' } }],
  ])('is reported once for %s', async (_what, act) => {
    const bot = await start();
    bot.world.idp.forge({ claims: (claims) => ({ ...claims, act }) });
    await bot.user('alice').token('mcp');
    await bot.user('bob').token('mcp');
    expect(warnings(bot)).toEqual(['unknown_actor']);
  });

  it('is not reported if it is the bot, also by its pseudonym in its own ID-JAGs', async () => {
    const bot = await start();
    bot.world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'pseudonym of the bot' }) });
    await bot.bot.token('mcp');
    for (const act of [{ sub: 'pseudonym of the bot' }, { sub: 'bot-at-idp' }, { client_id: 'bot-at-as' }]) {
      bot.world.idp.forge({ claims: (claims) => ({ ...claims, act }) });
      await bot.user(`user of ${JSON.stringify(act)}`).token('mcp');
    }
    expect(warnings(bot)).toEqual([]);
  });

  it('is refused if an earlier ID-JAG named the bot and this one names another', async () => {
    const { user, world } = await start();
    await user('alice').token('mcp');
    world.idp.forge({ claims: (claims) => ({ ...claims, act: { sub: 'mallory' } }) });
    expect((await refusalOf(user('bob').token('mcp'))).message).toContain('another actor than in earlier ID-JAGs');
  });

  it('is refused if it is no object, although a missing one is accepted', async () => {
    const { user, world } = await start();
    world.idp.forge({ claims: (claims) => ({ ...claims, act: 'mallory' }) });
    const error = await refusalOf(user('alice', { missingActor: 'warn' }).token('mcp'));
    expect(error.message).toContain('"act" is not an object');
    world.idp.forge({ claims: without('act') });
    await user('bob', { missingActor: 'warn' }).token('mcp');
  });
});
