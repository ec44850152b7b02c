import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { expiresIn, type Misbehaviour } from '../../../../test/support/oauth-world.ts';
import { type Bot, startBot } from '../../test-support/bot.ts';
import { refusalOf } from '../../test-support/runtime.ts';
import { fromIdToken } from './from-id-token.ts';
import { fromRefreshToken, type RefreshTokenOptions } from './from-refresh-token.ts';

const started: Bot[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map(async (bot) => bot.close()));
});

interface Rotating extends Bot {
  /** The refresh tokens that the IdP has received, in order. */
  readonly sent: readonly string[];
  /** The refresh token that the application has stored. */
  readonly stored: () => string;
}

/** A bot with two servers, whose IdP accepts each refresh token once and answers with a new one. */
async function startRotating(
  options: RefreshTokenOptions | ((store: (token: string) => void) => RefreshTokenOptions) = {},
  { change = (answer: Misbehaviour) => answer, readsStored = true } = {},
): Promise<Rotating> {
  let stored = '';
  let first = '';
  const store = (token: string) => void (stored = token);
  const subject = fromRefreshToken(
    () => (readsStored ? stored : first),
    typeof options === 'function' ? options(store) : options,
  );
  const running = await startBot({
    idp: { subject },
    // The access tokens have no lifetime, so each call of token() is an acquisition.
  });
  started.push(running);
  const { world } = running;
  first = world.idp.refreshToken('bot-at-idp');
  stored = first;
  const sent: string[] = [];
  const used = new Set<string>();
  const rotate: Misbehaviour = async (honest, { form }) => {
    const token = form['subject_token'] ?? '';
    sent.push(token);
    if (used.has(token)) return { status: 400, body: { error: 'invalid_grant', error_description: 'used before' } };
    used.add(token);
    const answer = await honest();
    return { ...answer, body: { ...answer.body, refresh_token: world.idp.refreshToken('bot-at-idp') } };
  };
  world.idp.script.always('exchange', change(rotate));
  world.as.script.always('redeem', expiresIn(0));
  return { ...running, sent, stored: () => stored };
}

/** Gets a token for which a new exchange is needed, because each list of scopes has its own ID-JAG. */
async function exchangeFor({ bot }: Bot, scope: string) {
  return bot.token('mcp', { scopes: [scope] });
}

describe('a refresh token that the IdP replaces', () => {
  it('reaches the application, and the next exchange sends the new one', async () => {
    const received: string[] = [];
    const running = await startRotating((store) => ({
      onRotated(token) {
        received.push(token);
        store(token);
      },
    }));
    await exchangeFor(running, 'tools:read');
    await exchangeFor(running, 'tools:write');
    expect(received).toHaveLength(2);
    expect(new Set(running.sent).size).toBe(2);
    expect(running.sent[1]).toBe(received[0]);
    expect(running.stored()).toBe(received[1]);
  });

  it('is sent from then on although the getter still returns the old one', async () => {
    const received: string[] = [];
    const running = await startRotating({ onRotated: (token) => void received.push(token) }, { readsStored: false });
    await exchangeFor(running, 'tools:read');
    await exchangeFor(running, 'tools:write');
    await running.bot.token('mcp');
    expect(running.sent.slice(1)).toEqual(received.slice(0, 2));
  });

  it('is not sent any more if the getter returns another token', async () => {
    let current = '';
    const running = await startBot({ idp: { subject: fromRefreshToken(() => current) } });
    started.push(running);
    const { idp } = running.world;
    const [first, second] = [idp.refreshToken('bot-at-idp'), idp.refreshToken('bot-at-idp')];
    idp.script.always('exchange', async (honest) => {
      const answer = await honest();
      return { ...answer, body: { ...answer.body, refresh_token: 'never-sent' } };
    });
    current = first;
    await exchangeFor(running, 'tools:read');
    current = second;
    await exchangeFor(running, 'tools:write');
    expect(idp.script.received('exchange').map(({ form }) => form['subject_token'])).toEqual([first, second]);
  });

  it('is not sent by two exchanges at the same time', async () => {
    const running = await startRotating((store) => ({ onRotated: store }));
    const tokens = await Promise.all([
      exchangeFor(running, 'tools:read'),
      exchangeFor(running, 'tools:write'),
      running.bot.token('mcp'),
      running.bot.diagnose('mcp').catch(() => undefined),
    ]);
    expect(tokens[0].scopes).toEqual(['tools:read']);
    expect(new Set(running.sent).size).toBe(running.sent.length);
    expect(running.sent.length).toBeGreaterThanOrEqual(4);
  });

  it('is awaited by the acquisition until it is stored', async () => {
    const order: string[] = [];
    const running = await startRotating({
      onRotated: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`stored before ${running.world.as.script.count('redeem')} redemptions`);
      },
    });
    await exchangeFor(running, 'tools:read');
    expect(order).toEqual(['stored before 0 redemptions']);
  });

  it('is used and given to the application again if onRotated fails, with a warning', async () => {
    const received: string[] = [];
    let fails = true;
    const running = await startRotating(
      {
        async onRotated(token) {
          received.push(token);
          if (fails) throw new Error(`the vault refused ${token}`);
        },
      },
      { readsStored: false },
    );
    await exchangeFor(running, 'tools:read');
    const warnings = () => running.events.filter(({ type }) => type === 'warning');
    expect(warnings()).toMatchObject([
      { leg: 'exchange', server: 'mcp', message: expect.stringContaining('onRotated failed') },
    ]);
    fails = false;
    await exchangeFor(running, 'tools:write');
    expect(received).toHaveLength(3);
    expect(received[1]).toBe(received[0]);
    expect(running.sent[1]).toBe(received[0]);
    expect(warnings()).toHaveLength(1);
    for (const token of received) expect(inspect(running.events, { depth: 9 })).not.toContain(token);
  });

  it('causes a warning if there is no onRotated, and is used', async () => {
    const running = await startRotating();
    await exchangeFor(running, 'tools:read');
    await exchangeFor(running, 'tools:write');
    expect(new Set(running.sent).size).toBe(2);
    expect(running.events.filter(({ type }) => type === 'warning')[0]).toMatchObject({
      message: expect.stringContaining('has no onRotated'),
      remedy: expect.stringContaining('onRotated'),
    });
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['has another type', { issued_token_type: 'urn:x' }],
    ['contains no token', { access_token: undefined }],
    ['contains no ID-JAG', { access_token: 'opaque' }],
  ])('reaches the application also if the rest of the response cannot be used: it %s', async (_what, members) => {
    const received: string[] = [];
    const running = await startRotating(
      { onRotated: (token) => void received.push(token) },
      {
        readsStored: false,
        change: (rotate) => async (honest, request) => {
          const answer = await rotate(honest, request);
          return 'body' in answer && typeof answer.body === 'object'
            ? { ...answer, body: JSON.parse(JSON.stringify({ ...answer.body, ...members })) as object }
            : answer;
        },
      },
    );
    await refusalOf(exchangeFor(running, 'tools:read'));
    expect(received).toHaveLength(1);
    await refusalOf(exchangeFor(running, 'tools:write'));
    expect(running.sent[1]).toBe(received[0]);
  });

  it('is printed nowhere, and not in an error of the acquisition', async () => {
    const received: string[] = [];
    const subject = fromRefreshToken(() => 'refresh-token-of-the-application', {
      onRotated: (token) => void received.push(token),
    });
    const running = await startBot({ idp: { subject } });
    started.push(running);
    running.world.idp.script.always('exchange', () => ({
      status: 200,
      body: {
        access_token: 'x',
        token_type: 'N_A',
        issued_token_type: 'refresh-token-of-the-idp',
        refresh_token: 'refresh-token-of-the-idp',
      },
    }));
    const error = await refusalOf(running.bot.token('mcp'));
    expect(received).toEqual(['refresh-token-of-the-idp']);
    const text = inspect([error, subject, running.bot, running.events], { depth: 12, showHidden: true });
    expect(text).not.toContain('refresh-token-of');
  });

  it('is ignored if the subject token is not a refresh token', async () => {
    const { bot, world, events } = await startBot({ idp: { subject: fromIdToken(() => 'x') } }).then((running) => {
      started.push(running);
      return running;
    });
    world.idp.script.always('exchange', async () => ({
      status: 200,
      body: { access_token: 'x', token_type: 'N_A', refresh_token: 'new' },
    }));
    await refusalOf(bot.token('mcp'));
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  });
});

it('fromRefreshToken refuses an onRotated that is not a function', async () => {
  const error = await refusalOf(() => fromRefreshToken(() => 'x', { onRotated: 'save' as never }));
  expect(error).toMatchObject({ code: 'invalid_configuration', message: expect.stringContaining('onRotated') });
});

it('an exchange that waits for another one ends when its caller gives up', async () => {
  let release: () => void = () => undefined;
  const blocked = new Promise<void>((resolve) => {
    release = resolve;
  });
  const source = fromRefreshToken(() => 'x');
  const first = source.rotation?.exclusively(async () => blocked, new AbortController().signal);
  const giveUp = new AbortController();
  const second = source.rotation?.exclusively(async () => 'ran', giveUp.signal);
  const third = source.rotation?.exclusively(async () => 'ran', new AbortController().signal);
  giveUp.abort(new Error('given up'));
  await expect(second).rejects.toThrow('given up');
  release();
  await first;
  expect(await third).toBe('ran');
});
