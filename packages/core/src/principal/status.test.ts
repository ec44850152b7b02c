import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { clientSecret } from '../credentials/client-secret.ts';
import type { CredenceEvent } from '../runtime/events.ts';
import { memoryStore } from '../store/memory-store.ts';
import type { TokenStore } from '../store/token-store.ts';
import { ServicePrincipal } from './service-principal.ts';

const AS = 'https://as.example';
type TokenResponse = () => Response | Promise<Response>;

const granted: TokenResponse = () =>
  Response.json({ access_token: 's3cret-t0ken', token_type: 'Bearer', expires_in: 600, scope: 'read' });
const refused =
  (error: string, status = 400, headers: Record<string, string> = {}) =>
  () =>
    Response.json({ error, error_description: 'no entitlement for you' }, { status, headers });

const principals: ServicePrincipal[] = [];
afterEach(async () => {
  for (const bot of principals.splice(0)) await bot.close();
});

function world(options: { store?: TokenStore; names?: readonly string[] } = {}) {
  let nowMs = Date.parse('2026-11-28T03:12:00Z');
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const events: CredenceEvent[] = [];
  const peer = { token: granted, call: () => new Response('{}', { status: 200 }), requests: 0 };
  const names = options.names ?? ['a', 'b'];
  const bot = new ServicePrincipal({
    servers: Object.fromEntries(
      names.map((name) => [
        name,
        {
          url: `https://${name}.example/mcp`,
          resource: `https://${name}.example/mcp`,
          issuer: AS,
          tokenEndpoint: `${AS}/token`,
          credential: clientSecret({ clientId: 'bot', secret: 'cl13nt-s3cret' }),
          scopes: ['read'],
          flow: 'client-credentials' as const,
        },
      ]),
    ),
    fetch: async (input) => {
      peer.requests += 1;
      return String(input instanceof Request ? input.url : input) === `${AS}/token` ? peer.token() : peer.call();
    },
    ...(options.store && { store: options.store }),
    retry: { retries: 0 },
    clock,
    onEvent: (event) => events.push(event),
  });
  principals.push(bot);
  const at = (text: string) => new Date(text);
  return { bot, peer, events, at, advance: (ms: number) => (nowMs += ms) };
}

describe('status', () => {
  it('is not ready before the first token, and ready after prepare', async () => {
    const { bot, peer } = world();
    const none = { ready: false, token: undefined, failing: false, failedCalls: 0 };
    expect(bot.status()).toMatchObject({ ready: false, servers: { a: none, b: none } });
    await bot.prepare(['a']);
    expect(bot.status()).toMatchObject({ ready: false, servers: { a: { ready: true }, b: none } });
    await bot.prepare();
    expect(bot.status()).toMatchObject({ ready: true, servers: { a: { ready: true }, b: { ready: true } } });
    expect(peer.requests).toBe(2);
  });

  it('shows the age, the expiry and the scopes of a token, and nothing of the token or the credential', async () => {
    const { bot, advance, at } = world();
    await bot.token('a');
    advance(60_000);
    expect(bot.status().servers['a']?.token).toEqual({
      ageMs: 60_000,
      expiresInMs: 540_000,
      expiresAt: at('2026-11-28T03:22:00Z'),
      scopes: ['read'],
    });
    const text = JSON.stringify(bot.status());
    expect(JSON.parse(text)).toMatchObject({ servers: { a: { token: { expiresAt: '2026-11-28T03:22:00.000Z' } } } });
    expect(text).not.toMatch(/s3cret|t0ken/u);
  });

  it('stays ready if an idle token expires, because the next call gets another', async () => {
    const { bot, advance } = world({ names: ['a'] });
    await bot.prepare();
    advance(3_600_000);
    expect(bot.status()).toMatchObject({ ready: true, servers: { a: { ready: true, token: undefined } } });
  });

  it('shows a refusal, since when, its pause and the calls that failed', async () => {
    const { bot, peer, advance, at } = world();
    await bot.prepare(['b']);
    peer.token = refused('access_denied');
    for (let call = 0; call < 5; call += 1) {
      await bot.token('a').catch(() => undefined);
      advance(2_000);
      await bot.token('a').catch(() => undefined);
    }
    const { servers, ready } = bot.status();
    expect({ ready, a: servers['a'], b: servers['b']?.ready }).toMatchObject({
      ready: false,
      a: {
        ready: false,
        failing: true,
        failingSince: at('2026-11-28T03:12:00Z'),
        lastFailure: { code: 'access_denied', leg: 'redeem', contact: 'server-owner', at: at('2026-11-28T03:12:10Z') },
        failedCalls: 10,
      },
      b: true,
    });
    const pausedUntil = servers['a']?.pausedUntil?.getTime() ?? 0;
    expect(pausedUntil).toBeGreaterThan(at('2026-11-28T03:12:10Z').getTime());
    peer.token = granted;
    advance(300_000);
    await bot.token('a');
    expect(bot.status().servers['a']).toMatchObject({
      ready: true,
      failing: false,
      failingSince: undefined,
      pausedUntil: undefined,
      lastFailure: { code: 'access_denied' },
      failedCalls: 10,
    });
  });

  it('shows the pause of a refused client at every server that uses it, and that of Retry-After', async () => {
    const { bot, peer, advance, at } = world();
    // The random part of each pause is half of its maximum, so that the pause after a minute is a long one.
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
    peer.token = refused('invalid_client', 401);
    for (let second = 0; second < 60; second += 1) {
      await Promise.allSettled([bot.token('a'), bot.token('b')]);
      advance(1_000);
    }
    for (const name of ['a', 'b']) {
      const { pausedUntil } = bot.status().servers[name] ?? {};
      expect(pausedUntil?.getTime()).toBeGreaterThan(at('2026-11-28T03:13:02Z').getTime());
    }
    const other = world({ names: ['a'] });
    other.peer.token = refused('busy', 429, { 'retry-after': '90' });
    await other.bot.token('a').catch(() => undefined);
    expect(other.bot.status().servers['a']?.pausedUntil).toEqual(at('2026-11-28T03:13:30Z'));
  });

  it('stays ready while a renewal fails and the token is valid, and shows the failure', async () => {
    const { bot, peer, advance } = world({ names: ['a'] });
    await bot.prepare();
    peer.token = () => new Response('down for maintenance', { status: 503 });
    advance(570_000);
    await bot.token('a');
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(bot.status().servers['a']).toMatchObject({
      ready: true,
      failing: true,
      lastFailure: { code: 'peer_unavailable' },
      failedCalls: 0,
    });
  });

  it('shows a call that failed at the server', async () => {
    const { bot, peer } = world({ names: ['a'] });
    peer.call = () => new Response(null, { status: 403 });
    await expect(bot.fetchFor('a')('https://a.example/mcp')).rejects.toMatchObject({ code: 'forbidden' });
    expect(bot.status().servers['a']).toMatchObject({
      ready: true,
      failing: false,
      lastFailure: { code: 'forbidden', leg: 'call' },
      failedCalls: 1,
    });
  });

  it('shows whether the store works', async () => {
    const fail = () => Promise.reject(new Error('gone'));
    expect(world({ store: memoryStore() }).bot.status().store).toEqual({ up: true });
    const { bot } = world({ store: { get: fail, set: fail, delete: fail, lease: fail } });
    await bot.token('a');
    expect(bot.status().store).toMatchObject({ up: false, downSince: new Date('2026-11-28T03:12:00Z') });
    expect(bot.status().store?.message).toBe('The token store fails; this process continues without it.');
    expect(bot.status().store?.remedy).toBeDefined();
    expect(world().bot.status()).not.toHaveProperty('store');
  });

  it('is not ready after close', async () => {
    const { bot } = world();
    await bot.prepare();
    await bot.close();
    expect(bot.status()).toMatchObject({ ready: false });
  });
});

describe('a call of token() that fails', () => {
  it('is counted by an event also if it repeats a refusal or joins a renewal', async () => {
    const { bot, peer, events } = world({ names: ['a'] });
    peer.token = refused('busy', 429, { 'retry-after': '30' });
    await Promise.allSettled(Array.from({ length: 20 }, () => bot.token('a')));
    await Promise.allSettled(Array.from({ length: 20 }, () => bot.token('a')));
    const failed = events.filter(({ type }) => type === 'token-failed');
    expect(failed).toHaveLength(40);
    expect(failed[0]).toMatchObject({ server: 'a', code: 'rate_limited', leg: 'redeem', contact: 'server-owner' });
    expect(events.filter(({ type }) => type === 'refused')).toHaveLength(1);
    expect(bot.status().servers['a']?.failedCalls).toBe(40);
  });

  it('is not counted if the caller aborted it', async () => {
    const { bot, peer, events } = world({ names: ['a'] });
    peer.token = () => new Promise<Response>(() => undefined);
    const caller = new AbortController();
    const token = bot.token('a', { signal: caller.signal });
    caller.abort();
    await expect(token).rejects.toMatchObject({ name: 'AbortError' });
    expect(events.filter(({ type }) => type === 'token-failed')).toEqual([]);
  });
});
