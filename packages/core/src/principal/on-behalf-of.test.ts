import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { hangUp } from '../../../../test/support/peer.ts';
import { refusal } from '../../../../test/support/oauth-world.ts';
import { type Bot, type BotOptions, countedBetween, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { generateDpopKeyPair } from '../dpop/dpop-keys.ts';
import { memoryStore } from '../store/memory-store.ts';
import { fromIdToken } from '../subjects/from-id-token.ts';
import { fromRefreshToken } from '../subjects/from-refresh-token.ts';
import { ownToken } from '../subjects/own-token.ts';
import type { ServicePrincipal } from './service-principal.ts';

const started: Bot[] = [];
async function start(
  options?: BotOptions,
): Promise<Bot & { idToken: (subject: string, lifetime?: number) => Promise<string> }> {
  const bot = await startBot(options);
  started.push(bot);
  return {
    ...bot,
    idToken: async (subject, lifetime = 300) => bot.world.idp.idToken({ audience: 'bot-at-idp', subject, lifetime }),
  };
}
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

/** The claims of the ID-JAG that was redeemed last. */
const lastRedeemed = ({ world }: Bot) => decodeJwt(world.as.script.received('redeem').at(-1)?.form['assertion'] ?? '');
const lastExchange = ({ world }: Bot) => world.idp.script.received('exchange').at(-1)?.form ?? {};

describe('a principal that acts for a user', () => {
  it('has the user as the subject and the bot as the actor, and shares the token of the bot', async () => {
    const bot = await start();
    const alice = bot.bot.onBehalfOf(() => bot.idToken('alice'), { identity: 'account-1' });
    await alice.token('mcp');
    expect(lastRedeemed(bot)).toMatchObject({ sub: 'alice', act: { sub: 'bot-at-idp' }, client_id: 'bot-at-as' });
    expect(lastExchange(bot)).toMatchObject({
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    await bot.bot.token('mcp');
    expect(lastRedeemed(bot)).not.toHaveProperty('act');
    expect(bot.counts()).toMatchObject({ idpMetadata: 1, authenticate: 1, exchange: 2, asMetadata: 1, redeem: 2 });
  });

  it("uses the cached access token of the user's last request with the same user's token, and no other", async () => {
    const bot = await start();
    const token = await bot.idToken('alice');
    const request = async (identity: string, userToken: string) => {
      const user = bot.bot.onBehalfOf(() => userToken, { identity });
      try {
        return (await user.token('mcp')).value;
      } finally {
        await user.close();
      }
    };
    const first = await request('alice', token);
    const before = bot.counts();
    expect(await request('alice', token)).toBe(first);
    expect(bot.counts()).toEqual(before);
    expect(await request('alice again', token)).not.toBe(first);
    const other = await bot.idToken('alice', 200);
    expect(await request('alice', other)).not.toBe(first);
    expect(await request('bob', await bot.idToken('bob'))).not.toBe(first);
    expect(countedBetween(before, bot.counts())).toMatchObject({ exchange: 3, redeem: 3, authenticate: 0 });
  });

  it('never gives the tokens of one user to another when their requests are interleaved', async () => {
    const bot = await start();
    const users = await Promise.all(
      Array.from({ length: 12 }, async (_each, index) => {
        const name = `user-${index % 4}`;
        const token = await bot.idToken(name);
        return { name, principal: bot.bot.onBehalfOf(() => token, { identity: name }) };
      }),
    );
    const got = await Promise.all(
      users.map(async ({ name, principal }) => ({ name, value: (await principal.token('mcp')).value })),
    );
    const owners = new Map<string, string>();
    for (const { name, value } of got) {
      expect(owners.get(value) ?? name).toBe(name);
      owners.set(value, name);
    }
    const bots = await bot.bot.token('mcp');
    expect(owners.has(bots.value)).toBe(false);
  });

  it('is refused if another user has the same identity, before the token is sent', async () => {
    const bot = await start();
    const [alice, bob] = [await bot.idToken('alice'), await bot.idToken('bob')];
    await bot.bot.onBehalfOf(() => alice, { identity: 'shared' }).token('mcp');
    const before = bot.counts();
    const error = await refusalOf(bot.bot.onBehalfOf(() => bob, { identity: 'shared' }).token('mcp'));
    expect(error).toMatchObject({ code: 'subject_changed', leg: 'authenticate', contact: 'you' });
    expect(error.message).toContain('the user "shared"');
    expect(bot.counts()).toEqual(before);
  });

  it('is refused if two users with the same identity come at the same time', async () => {
    const bot = await start();
    const tokens = [await bot.idToken('alice'), await bot.idToken('bob')];
    const outcomes = await Promise.allSettled(
      tokens.map(async (token) => bot.bot.onBehalfOf(() => token, { identity: 'shared' }).token('mcp')),
    );
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(bot.counts().redeem).toBe(1);
  });

  it('is refused if the subject of the user changes across a restart with a store', async () => {
    const store = memoryStore();
    const first = await start({ principal: { store } });
    await first.bot.onBehalfOf(() => first.idToken('alice'), { identity: 'shared' }).token('mcp');
    const { idp, as, idpClient, asClient } = first.world;
    const { ServicePrincipal: Principal } = await import('./service-principal.ts');
    const { clientSecret } = await import('../credentials/client-secret.ts');
    const restarted = new Principal({
      idp: {
        issuer: idp.issuer,
        credential: clientSecret({ clientId: idpClient.clientId, secret: idpClient.secret ?? '' }),
      },
      servers: {
        mcp: {
          url: 'http://127.0.0.1:9/mcp',
          resource: 'http://127.0.0.1:9/mcp',
          issuer: as.issuer,
          credential: clientSecret({ clientId: asClient.clientId, secret: asClient.secret ?? '' }),
        },
      },
      store,
    });
    const error = await refusalOf(
      restarted.onBehalfOf(() => first.idToken('bob'), { identity: 'shared' }).token('mcp'),
    );
    expect(error).toMatchObject({ code: 'subject_changed' });
    await restarted.close();
  });

  it('sends the type that the getter or the option states, and never guesses it', async () => {
    const bot = await start();
    bot.world.idp.script.always('exchange', refusal('invalid_request', 'no'));
    const typeFor = async (...[token, options]: [Parameters<ServicePrincipal['onBehalfOf']>[0], object?]) => {
      await refusalOf(bot.bot.onBehalfOf(token, { identity: `${Math.random()}`, ...options }).token('mcp'));
      return lastExchange(bot)['subject_token_type'];
    };
    const jwt = await bot.idToken('alice');
    const uri = (name: string) => `urn:ietf:params:oauth:token-type:${name}`;
    expect(await typeFor(() => 'opaque')).toBe(uri('id_token'));
    expect(await typeFor(() => jwt, { type: 'access_token' })).toBe(uri('access_token'));
    expect(await typeFor(() => ({ token: jwt, type: 'jwt' }))).toBe(uri('jwt'));
    expect(await typeFor(() => ({ token: jwt, type: 'urn:example:type' }))).toBe('urn:example:type');
    expect(await typeFor(fromIdToken(() => jwt))).toBe(uri('id_token'));
  });

  it("leaves the actor token out with actor: 'client'", async () => {
    const bot = await start();
    const alice = bot.bot.onBehalfOf(() => bot.idToken('alice'), {
      identity: 'a',
      actor: 'client',
      missingActor: 'warn',
    });
    await alice.token('mcp');
    expect(lastExchange(bot)).not.toHaveProperty('actor_token');
    expect(bot.counts().authenticate).toBe(0);
    expect(bot.events).toContainEqual(
      expect.objectContaining({ type: 'warning', code: 'missing_actor', server: 'mcp', user: 'a' }),
    );
  });

  it('calls the getter again when the token of the user has expired, and not before', async () => {
    let wallMs = Date.now();
    let monotonicMs = 0;
    const advance = (ms: number) => {
      wallMs += ms;
      monotonicMs += ms;
    };
    const bot = await start({
      principal: { clock: { wallMs: () => wallMs, monotonicMs: () => monotonicMs } },
      world: { idp: { idJagLifetime: 60 } },
    });
    let calls = 0;
    const alice = bot.bot.onBehalfOf(
      async () => {
        calls += 1;
        return bot.idToken('alice', 100 * calls);
      },
      { identity: 'alice' },
    );
    const first = await alice.token('mcp');
    alice.invalidate(first);
    await alice.token('mcp');
    expect(calls).toBe(1);
    advance(95_000);
    const second = await alice.token('mcp');
    alice.invalidate(second);
    await alice.token('mcp');
    expect(calls).toBe(2);
  });

  it.each<[string, () => unknown, string]>([
    ['throws', () => Promise.reject(new Error('vault said s3cret')), 'credential_unavailable'],
    ['returns nothing', () => undefined, 'credential_unavailable'],
    ['returns no type', () => ({ token: 'x' }), 'invalid_configuration'],
    [
      'returns a refresh token',
      () => ({ token: 'x', type: 'urn:ietf:params:oauth:token-type:refresh_token' }),
      'invalid_configuration',
    ],
  ])('fails if the getter %s', async (_what, getter, code) => {
    const bot = await start();
    const error = await refusalOf(bot.bot.onBehalfOf(getter as () => string, { identity: 'a' }).token('mcp'));
    expect(error).toMatchObject({ code, leg: 'configure', contact: 'you' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret');
    expect(bot.counts()).toMatchObject({ exchange: 0 });
  });

  it('fails without a request for an ID token that has expired', async () => {
    const bot = await start();
    const error = await refusalOf(bot.bot.onBehalfOf(() => bot.idToken('alice', -100), { identity: 'a' }).token('mcp'));
    expect(error).toMatchObject({ code: 'credential_unavailable', message: 'The token of the user "a" has expired.' });
    expect(bot.counts()).toMatchObject({ exchange: 0, authenticate: 0 });
  });

  it('gets a new token of the bot once if the IdP refuses the cached one', async () => {
    const bot = await start();
    await bot.bot.token('mcp');
    bot.world.idp.script.once('exchange', refusal('invalid_grant', 'the actor token was revoked'));
    await bot.bot.onBehalfOf(() => bot.idToken('alice'), { identity: 'a' }).token('mcp');
    expect(bot.counts()).toMatchObject({ authenticate: 2, exchange: 3 });
    bot.world.idp.script.always('exchange', refusal('invalid_grant', 'the ID token is not valid'));
    const before = bot.counts();
    await refusalOf(bot.bot.onBehalfOf(() => bot.idToken('bob'), { identity: 'b' }).token('mcp'));
    expect(countedBetween(before, bot.counts())).toMatchObject({ authenticate: 0, exchange: 1 });
  });

  it('does not pass the refusal of one user to another', async () => {
    const bot = await start({ server: { scopes: ['tools:read'], stepUp: ['tools:write'] } });
    bot.world.idp.script.once('exchange', refusal('access_denied', 'alice is not granted'));
    const alice = bot.bot.onBehalfOf(() => bot.idToken('alice'), { identity: 'alice' });
    expect(await refusalOf(alice.token('mcp'))).toMatchObject({ code: 'access_denied' });
    expect(await refusalOf(alice.token('mcp', { scopes: ['tools:write'] }))).toMatchObject({ code: 'access_denied' });
    const bob = bot.bot.onBehalfOf(() => bot.idToken('bob'), { identity: 'bob' });
    await bob.token('mcp', { scopes: ['tools:write'] });
    await bob.token('mcp');
    expect(alice.status().servers['mcp']).toMatchObject({ failing: true, ready: false });
    expect(bob.status().servers['mcp']).toMatchObject({ failing: false, ready: true });
  });

  it('binds tokens to the key of the bot (DPoP)', async () => {
    const bot = await start({ server: { dpop: await generateDpopKeyPair() } });
    bot.world.idp.forge({ claims: (claims) => ({ ...claims, cnf: { jkt: 'x' } }) });
    const error = await refusalOf(bot.bot.onBehalfOf(() => bot.idToken('alice'), { identity: 'a' }).token('mcp'));
    expect(error.message).toContain('not bound to the DPoP key');
  });

  it('reports a diagnosis for the user, with the remedy of a refusal', async () => {
    const bot = await start();
    bot.world.idp.script.always('exchange', refusal('access_denied', 'alice is not granted'));
    const alice = bot.bot.onBehalfOf(() => bot.idToken('alice'), { identity: 'alice' });
    const diagnosis = await alice.diagnose('mcp');
    expect(diagnosis.ok).toBe(false);
    expect(lastExchange(bot)['subject_token_type']).toContain('id_token');
    expect(lastExchange(bot)).toHaveProperty('actor_token');
  });

  it('replaces a refresh token of the user that the IdP has replaced, and keeps its access tokens', async () => {
    const bot = await start();
    let stored = bot.world.idp.refreshToken('bot-at-idp', 'alice');
    const next = bot.world.idp.refreshToken('bot-at-idp', 'alice');
    const source = fromRefreshToken(() => stored, { onRotated: (token) => void (stored = token) });
    bot.world.idp.script.once('exchange', async (honest) => {
      const answer = await honest();
      return { ...answer, body: { ...(answer.body as object), refresh_token: next } };
    });
    const first = await bot.bot.onBehalfOf(source, { identity: 'alice' }).token('mcp');
    expect(stored).toBe(next);
    const second = await bot.bot.onBehalfOf(source, { identity: 'alice' }).token('mcp');
    expect(second.value).toBe(first.value);
  });
});

describe('an ID-JAG for a user', () => {
  it.each<[string, (claims: Readonly<Record<string, unknown>>) => Record<string, unknown>, string]>([
    ['has no act', ({ act: _act, ...claims }) => claims, '"act" is missing'],
    ['has an act that is no object', (claims) => ({ ...claims, act: 'bot-at-idp' }), '"act" is not an object'],
    ['has an act without a name', (claims) => ({ ...claims, act: {} }), '"act" names no actor'],
    ['has the user as its actor', (claims) => ({ ...claims, act: { sub: 'alice' } }), '"act" names the user'],
    ['has the bot as its subject', (claims) => ({ ...claims, sub: 'bot-at-idp' }), '"sub" is the bot itself'],
  ])('is refused if it %s', async (_what, claims, why) => {
    const bot = await start();
    bot.world.idp.forge({ claims });
    const error = await refusalOf(bot.bot.onBehalfOf(() => bot.idToken('alice'), { identity: 'a' }).token('mcp'));
    expect(error).toMatchObject({ code: 'invalid_id_jag', leg: 'exchange', contact: 'idp-admin', server: 'mcp' });
    expect(error.message).toContain(why);
    expect(bot.counts().redeem).toBe(0);
  });

  it('is refused if it has the subject of another user, and accepted with a pseudonym for each user', async () => {
    const bot = await start();
    const user = (name: string) => bot.bot.onBehalfOf(() => bot.idToken(name), { identity: name });
    bot.world.idp.forge({ claims: ({ sub, ...claims }) => ({ ...claims, sub: `pseudonym of ${String(sub)}` }) });
    await user('alice').token('mcp');
    await user('bob').token('mcp');
    bot.world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'pseudonym of alice' }) });
    const error = await refusalOf(user('carol').token('mcp'));
    expect(error.message).toContain('"sub" belongs to another user');
    expect(bot.counts().redeem).toBe(2);
  });

  it('is refused if it has the pseudonym of the bot as its subject', async () => {
    const bot = await start();
    bot.world.idp.forge({ claims: (claims) => ({ ...claims, sub: 'a pseudonym' }) });
    await bot.bot.token('mcp');
    const error = await refusalOf(bot.bot.onBehalfOf(() => bot.idToken('alice'), { identity: 'a' }).token('mcp'));
    expect(error.message).toContain('"sub" is the bot itself');
  });

  it('is refused if its actor is another one than in earlier ID-JAGs', async () => {
    const bot = await start();
    const user = (name: string) => bot.bot.onBehalfOf(() => bot.idToken(name), { identity: name });
    bot.world.idp.forge({ claims: (claims) => ({ ...claims, act: { sub: 'pseudonym of the bot' } }) });
    await user('alice').token('mcp');
    bot.world.idp.forge({ claims: (claims) => ({ ...claims, act: { sub: 'another bot' } }) });
    expect((await refusalOf(user('bob').token('mcp'))).message).toContain('"act" names another actor');
  });

  it('for an opaque token is refused if its subject changes', async () => {
    const bot = await start();
    const user = (token: string) =>
      bot.bot.onBehalfOf(
        fromRefreshToken(() => token),
        { identity: 'shared' },
      );
    await user(bot.world.idp.refreshToken('bot-at-idp', 'alice')).token('mcp');
    const error = await refusalOf(user(bot.world.idp.refreshToken('bot-at-idp', 'bob')).token('mcp'));
    expect(error).toMatchObject({ code: 'subject_changed', leg: 'exchange' });
    expect(bot.counts().redeem).toBe(1);
  });
});

describe('closing', () => {
  it('of the bot closes its users, and that of a user closes nothing of the bot', async () => {
    const bot = await start();
    const [alice, bob] = ['alice', 'bob'].map((name) =>
      bot.bot.onBehalfOf(() => bot.idToken(name), { identity: name }),
    );
    await alice?.token('mcp');
    await alice?.close();
    expect(await refusalOf(async () => alice?.token('mcp'))).toMatchObject({ code: 'closed' });
    expect(bot.events.some(({ type }) => type === 'closed')).toBe(false);
    await bot.bot.token('mcp');
    await bob?.token('mcp');
    await bot.bot.close();
    expect(await refusalOf(async () => bob?.token('mcp'))).toMatchObject({ code: 'closed' });
    expect(await refusalOf(() => bot.bot.onBehalfOf(() => 'x', { identity: 'carol' }))).toMatchObject({
      code: 'closed',
    });
    expect(bot.events.filter(({ type }) => type === 'closed')).toHaveLength(1);
  });

  it.each(['user', 'bot'])('of the %s ends a request that waits for its token', async (closed) => {
    const bot = await start();
    const alice = bot.bot.onBehalfOf(() => bot.idToken('alice'), { identity: 'alice' });
    let reached: () => void = () => undefined;
    const isSent = new Promise<void>((resolve) => {
      reached = resolve;
    });
    bot.world.idp.script.always('exchange', async () => {
      reached();
      return new Promise(() => undefined);
    });
    const waiting = refusalOf(alice.token('mcp'));
    await isSent;
    await (closed === 'user' ? alice : bot.bot).close();
    expect(await waiting).toMatchObject({ code: 'closed' });
  });

  it('of one principal of a user does not fail another one of the same user that waits for the same token', async () => {
    const bot = await start();
    const token = await bot.idToken('alice');
    const [first, second] = [1, 2].map(() => bot.bot.onBehalfOf(() => token, { identity: 'alice' }));
    bot.world.idp.script.once('exchange', async (honest) => {
      void first?.close();
      return honest();
    });
    const outcomes = await Promise.allSettled([first?.token('mcp'), second?.token('mcp')]);
    expect(outcomes[0]).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
    expect(outcomes[1]).toMatchObject({ status: 'fulfilled' });
    expect(bot.counts()).toMatchObject({ redeem: 1 });
  });

  it('of one principal of a user while its getter runs does not fail another one', async () => {
    const bot = await start();
    const token = await bot.idToken('alice');
    const first = bot.bot.onBehalfOf(() => new Promise<string>(() => undefined), { identity: 'alice' });
    const waiting = refusalOf(first.token('mcp'));
    await first.close();
    expect(await waiting).toMatchObject({ code: 'closed' });
    await bot.bot.onBehalfOf(() => token, { identity: 'alice' }).token('mcp');
  });
});

describe('onBehalfOf', () => {
  const idToken = () => 'x';
  const JWT = `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.e30.c2ln`;
  it.each<[string, (bot: ServicePrincipal) => unknown, RegExp]>([
    ['without an identity', (bot) => bot.onBehalfOf(idToken, {} as never), /identity/u],
    ['without options', (bot) => bot.onBehalfOf(idToken, undefined as never), /options of onBehalfOf/u],
    ['with an empty identity', (bot) => bot.onBehalfOf(idToken, { identity: ' ' }), /identity.*is empty/u],
    ['with an identity that is no text', (bot) => bot.onBehalfOf(idToken, { identity: 5 as never }), /is not a text/u],
    ['with a long identity', (bot) => bot.onBehalfOf(idToken, { identity: 'x'.repeat(513) }), /more than 512/u],
    ['with a token as its identity', (bot) => bot.onBehalfOf(idToken, { identity: JWT }), /or is a token/u],
    ['with an unknown actor', (bot) => bot.onBehalfOf(idToken, { identity: 'a', actor: 'x' as never }), /neither/u],
    ['with an unknown option', (bot) => bot.onBehalfOf(idToken, { identity: 'a', actr: 'client' } as never), /actr/u],
    ['with an unknown type', (bot) => bot.onBehalfOf(idToken, { identity: 'a', type: 'idtoken' as never }), /type/u],
    [
      'with a token in place of a getter',
      (bot) => bot.onBehalfOf('eyJ' as never, { identity: 'a' }),
      /first argument/u,
    ],
    ['with ownToken', (bot) => bot.onBehalfOf(ownToken(), { identity: 'a' }), /ownToken cannot be the source/u],
    ['with a run that is no id', (bot) => bot.onBehalfOf(idToken, { identity: 'a', run: 'a\r\nb' }), /run/u],
    [
      'with a type for a source that has one',
      (bot) => bot.onBehalfOf(fromIdToken(idToken), { identity: 'a', type: 'jwt' }),
      /type.*has no effect/u,
    ],
    [
      'of a principal that acts for a user',
      (bot) => bot.onBehalfOf(idToken, { identity: 'a' }).onBehalfOf(idToken, { identity: 'b' }),
      /already acts for a user/u,
    ],
  ])('is refused %s', async (_what, call, message) => {
    const { bot } = await start();
    const error = await refusalOf(() => call(bot));
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(error.message).toMatch(message);
  });

  it.each(['\u200bA', 'A\u0000', 'A\u202e', 'A\n', ' A', 'A\u00a0', 'A\ud800', 'A\ufe0f'])(
    'is refused with an identity that would look like another one: %j',
    async (identity) => {
      const { bot } = await start();
      const error = await refusalOf(() => bot.onBehalfOf(idToken, { identity }));
      expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
      expect(error.message).toBe(
        'onBehalfOf({ identity }) has control or invisible characters, or white space at its ends, or is a token.',
      );
    },
  );

  it('names each of its users differently in events, also those with long identities', async () => {
    const bot = await start();
    const common = 'x'.repeat(200);
    const userOf = async (identity: string) => {
      await bot.bot.onBehalfOf(() => bot.idToken(identity), { identity }).token('mcp');
      return bot.events.findLast(({ type }) => type === 'acquired')?.user ?? '';
    };
    const first = await userOf(`${common}1`);
    expect(first).toMatch(/^x{111}\u2026[\w-]{16}$/u);
    expect(await userOf(`${common}2`)).not.toBe(first);
    // An identity that is written like a cut one is cut, too.
    expect(await userOf(first)).not.toBe(first);
    expect(await userOf('y'.repeat(128))).toBe('y'.repeat(128));
    expect(await userOf('Jos\u00e9 \u{1f600} smith')).toBe('Jos\u00e9 \u{1f600} smith');
  });

  it('is refused for a bot whose servers have no user, and such a server is refused by its name', async () => {
    const { bot } = await start({ server: { flow: 'client-credentials' } });
    expect(await refusalOf(() => bot.onBehalfOf(idToken, { identity: 'a' }))).toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('none of its servers'),
    });
    const world = await start();
    const { credential } = { credential: (await import('../credentials/client-secret.ts')).clientSecret };
    const { ServicePrincipal: Principal } = await import('./service-principal.ts');
    const mixed = new Principal({
      idp: { issuer: world.world.idp.issuer, credential: credential({ clientId: 'bot-at-idp', secret: 's' }) },
      servers: {
        own: {
          url: 'http://127.0.0.1:9/own',
          issuer: world.world.as.issuer,
          flow: 'client-credentials',
          credential: credential({ clientId: 'c', secret: 's' }),
        },
        mcp: {
          url: 'http://127.0.0.1:9/mcp',
          issuer: world.world.as.issuer,
          credential: credential({ clientId: 'd', secret: 's' }),
        },
      },
    });
    const alice = mixed.onBehalfOf(idToken, { identity: 'a' });
    expect(alice.serverNames).toEqual(['mcp']);
    const error = await refusalOf(alice.token('own'));
    expect(error).toMatchObject({ code: 'invalid_configuration', server: 'own' });
    expect(await refusalOf(() => alice.fetchFor('own'))).toMatchObject({ server: 'own' });
    await mixed.close();
  });

  it('is refused if the bot has only a refresh token, which cannot be an actor token', async () => {
    const { bot } = await start({ idp: { subject: fromRefreshToken(() => 'x') } });
    const error = await refusalOf(() => bot.onBehalfOf(idToken, { identity: 'a' }));
    expect(error.remedy).toContain('idp.actor');
    bot.onBehalfOf(idToken, { identity: 'a', actor: 'client' });
  });

  it('does not print the token of the user', async () => {
    const bot = await start();
    const token = await bot.idToken('alice');
    const alice = bot.bot.onBehalfOf(() => token, { identity: 'a' });
    bot.world.idp.script.once('exchange', () => hangUp());
    await alice.token('mcp');
    const printed = inspect([alice, alice.status(), bot.events], { depth: 9, showHidden: true });
    expect(printed).not.toContain(token.split('.')[2]);
  });
});
