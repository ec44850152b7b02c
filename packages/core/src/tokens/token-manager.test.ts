import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CredenceError } from '../errors/credence-error.ts';
import type { CredenceEvent } from '../runtime/events.ts';
import type { Grant } from '../flows/flow.ts';
import { runtimeFromOptions } from '../principal/runtime-from-options.ts';
import { SharedStore } from '../store/shared-store.ts';
import { memoryStore } from '../store/memory-store.ts';
import { TokenManager, type TokenWanted } from './token-manager.ts';
import type { TokenStore } from '../store/token-store.ts';

class FakeClock {
  nowMs = 1_000_000;
  wallMs = () => this.nowMs;
  monotonicMs = () => this.nowMs;
  advance(ms: number): void {
    this.nowMs += ms;
  }
}

/** A manager on a fake clock, and a server to get tokens for that counts how often it is asked. */
function world(
  options: { store?: TokenStore; expiresInSeconds?: number | undefined; maxTokens?: number; clock?: FakeClock } = {},
) {
  const clock = options.clock ?? new FakeClock();
  const events: CredenceEvent[] = [];
  const runtime = runtimeFromOptions({ servers: {}, clock, onEvent: (event) => events.push(event) });
  const store = options.store && new SharedStore(runtime, options.store);
  const manager = new TokenManager(runtime, store, options.maxTokens);
  const state = {
    asked: 0,
    refusedSources: 0,
    failWith: undefined as CredenceError | undefined,
    granted: ['a'] as readonly string[],
    expiresInSeconds: 'expiresInSeconds' in options ? options.expiresInSeconds : 100,
    gate: Promise.resolve(),
  };
  const acquire = async (signal: AbortSignal): Promise<Grant> => {
    state.asked += 1;
    const value = `token-${state.asked}`;
    await state.gate;
    signal.throwIfAborted();
    if (state.failWith) throw state.failWith;
    return {
      accessToken: value,
      type: 'Bearer',
      expiresInSeconds: state.expiresInSeconds,
      scopes: state.granted,
      scopesStated: true,
      issuer: 'https://as.example',
      resource: 'https://mcp.example/mcp',
      refused: () => {
        state.refusedSources += 1;
      },
    };
  };
  const wanted: TokenWanted = { key: 'k', server: 'mcp', scopes: ['a'], explicit: false, lasting: true, acquire };
  return { clock, events, manager, state, wanted };
}

const deniedInit = {
  code: 'access_denied',
  leg: 'exchange',
  message: 'Policy says no.',
  remedy: 'Ask.',
  contact: 'idp-admin',
} as const;
const denied = new CredenceError(deniedInit);

/** Lets what is ready run to its end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('TokenManager', () => {
  it('gets one token for a hundred callers at once', async () => {
    const { manager, state, wanted } = world();
    const tokens = await Promise.all(Array.from({ length: 100 }, () => manager.get(wanted)));
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(['token-1']));
    expect(state.asked).toBe(1);
  });

  it('renews an ageing token behind the callers, once', async () => {
    const { clock, manager, state, wanted, events } = world();
    await manager.get(wanted);
    clock.advance(92_000);
    const during = await Promise.all(Array.from({ length: 10 }, () => manager.get(wanted)));
    expect(during.every(({ value }) => value === 'token-1')).toBe(true);
    await settled();
    expect((await manager.get(wanted)).value).toBe('token-2');
    expect(state.asked).toBe(2);
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'renewed']);
  });

  it('leaves a peer alone for as long as it asks, in renewals and after them', async () => {
    const { clock, manager, state, wanted } = world();
    await manager.get(wanted);
    state.failWith = new CredenceError({ ...deniedInit, code: 'rate_limited', retryable: true, retryAfterSeconds: 30 });
    clock.advance(92_000);
    expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    clock.advance(3_000);
    expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    expect(state.asked).toBe(2);
    clock.advance(26_000);
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(state.asked).toBe(2);
    state.failWith = undefined;
    clock.advance(1_000);
    expect((await manager.get(wanted)).value).toBe('token-3');
  });

  it('takes no token from a store again that was refused while the store could not be asked', async () => {
    const inner = memoryStore();
    let isDown = false;
    const reached = <T>(operation: () => Promise<T>) => (isDown ? Promise.reject(new Error('down')) : operation());
    const store: TokenStore = {
      get: async (key) => reached(async () => inner.get(key)),
      set: async (key, value, ttlMs) => reached(async () => inner.set(key, value, ttlMs)),
      delete: async (key, value) => reached(async () => inner.delete(key, value)),
      lease: async (key, ttlMs) => reached(async () => inner.lease(key, ttlMs)),
    };
    const { clock, manager, wanted } = world({ store });
    const first = await manager.get(wanted);
    isDown = true;
    manager.reject(first);
    const second = await manager.get(wanted);
    expect({ first: first.value, second: second.value }).toEqual({ first: 'token-1', second: 'token-2' });
    clock.advance(40_000);
    isDown = false;
    manager.reject(second);
    expect((await manager.get(wanted)).value).toBe('token-3');
  });

  it('leaves a peer that asks for an hour alone for a minute', async () => {
    const { clock, manager, state, wanted } = world();
    state.failWith = new CredenceError({
      ...deniedInit,
      code: 'rate_limited',
      retryable: true,
      retryAfterSeconds: 3_600,
    });
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'rate_limited' });
    state.failWith = undefined;
    clock.advance(59_999);
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(state.asked).toBe(1);
    clock.advance(1);
    expect((await manager.get(wanted)).value).toBe('token-2');
  });

  it('harms nobody by a failed renewal until the token really ends', async () => {
    const { clock, manager, state, wanted, events } = world();
    await manager.get(wanted);
    clock.advance(92_000);
    state.failWith = denied;
    expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    for (let call = 0; call < 20; call += 1) expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    expect(state.asked).toBe(2);
    expect(events.at(-1)).toMatchObject({ type: 'renewal-failed', code: 'access_denied', contact: 'idp-admin' });
    clock.advance(2_000);
    await manager.get(wanted);
    await settled();
    expect(state.asked).toBe(3);
    clock.advance(20_000);
    await expect(manager.get(wanted)).rejects.toBe(denied);
  });

  it.each([
    ['a two-second token', 2],
    ['a five-minute token', 300],
    ['a day-long token', 86_400],
  ])('renews %s before it ends and does not use it after', async (_name, seconds) => {
    const { clock, manager, state, wanted } = world({ expiresInSeconds: seconds });
    await manager.get(wanted);
    clock.advance(seconds * 500);
    await manager.get(wanted);
    await settled();
    expect(state.asked).toBe(1);
    clock.advance(seconds * 500 - Math.min(seconds * 60, 11_000));
    expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    expect(state.asked).toBe(2);
    clock.advance(seconds * 1_000);
    expect((await manager.get(wanted)).value).toBe('token-3');
  });

  it('assumes five minutes where the server names no lifetime', async () => {
    const { clock, manager, state, wanted } = world({ expiresInSeconds: undefined });
    const token = await manager.get(wanted);
    expect(token.expiresAt.getTime()).toBe(clock.nowMs + 300_000);
    clock.advance(200_000);
    await manager.get(wanted);
    expect(state.asked).toBe(1);
  });

  it('gives a token that lives for zero seconds to who waits for it and keeps it for nobody', async () => {
    const { manager, state, wanted } = world({ expiresInSeconds: 0 });
    expect((await manager.get(wanted)).value).toBe('token-1');
    expect((await manager.get(wanted)).value).toBe('token-2');
    expect(state.asked).toBe(2);
  });

  describe('with a clock that runs', () => {
    class RunningClock extends FakeClock {
      override wallMs = () => Date.now();
      override monotonicMs = () => performance.now();
    }

    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    it('renews a token that is used now and then when its time has come, so that nobody waits', async () => {
      const { manager, state, wanted, events } = world({ clock: new RunningClock() });
      await manager.get(wanted);
      for (let life = 1; life <= 5; life += 1) {
        // once in a life, and never in its last tenth
        await jest.advanceTimersByTimeAsync(60_000);
        expect((await manager.get(wanted)).value).toBe(`token-${life}`);
        await jest.advanceTimersByTimeAsync(39_000);
      }
      expect(state.asked).toBe(6);
      expect(events.map(({ type }) => type)).toEqual(['acquired', ...Array.from({ length: 5 }, () => 'renewed')]);
      await manager.close();
    });

    it('lets a token that nobody uses any more end', async () => {
      const { manager, state, wanted } = world({ clock: new RunningClock() });
      await manager.get(wanted);
      await jest.advanceTimersByTimeAsync(3_600_000);
      expect(state.asked).toBe(2);
      expect(jest.getTimerCount()).toBe(0);
      await manager.close();
    });

    it('tries a renewal that failed again while the token is good, also when nobody calls', async () => {
      const { manager, state, wanted, events } = world({ clock: new RunningClock() });
      await manager.get(wanted);
      state.failWith = denied;
      await jest.advanceTimersByTimeAsync(92_000);
      expect(events.map(({ type }) => type)).toContain('renewal-failed');
      state.failWith = undefined;
      await jest.advanceTimersByTimeAsync(3_500);
      expect(events.at(-1)?.type).toBe('renewed');
      const { asked } = state;
      expect((await manager.get(wanted)).value).toBe(`token-${asked}`);
      expect(state.asked).toBe(asked);
      await manager.close();
    });

    it('needs one timer for all its tokens, and none when it is closed', async () => {
      const { manager, state, wanted } = world({ clock: new RunningClock() });
      const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
      for (const key of keys) {
        await manager.get({ ...wanted, key });
        await jest.advanceTimersByTimeAsync(100);
      }
      expect(jest.getTimerCount()).toBe(1);
      await jest.advanceTimersByTimeAsync(95_000);
      expect(state.asked).toBe(100);
      await manager.close();
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  it('replaces a refused token once for all who found it refused', async () => {
    const { manager, state, wanted, events } = world();
    const token = await manager.get(wanted);
    manager.accept(token);
    const again = await Promise.all(
      Array.from({ length: 100 }, () => {
        manager.reject(token);
        return manager.get(wanted);
      }),
    );
    expect(new Set(again.map(({ value }) => value))).toEqual(new Set(['token-2']));
    expect(state.asked).toBe(2);
    expect(state.refusedSources).toBe(1);
    expect(events.filter(({ type }) => type === 'rejected')).toHaveLength(1);
  });

  it('keeps the newer token when an older one is refused late', async () => {
    const { manager, state, wanted } = world();
    const old = await manager.get(wanted);
    manager.reject(old);
    await manager.get(wanted);
    manager.reject(old);
    expect((await manager.get(wanted)).value).toBe('token-2');
    expect(state.asked).toBe(2);
  });

  it('pauses, longer each time, when a server refuses one fresh token after another', async () => {
    const { clock, manager, state, wanted } = world();
    manager.reject(await manager.get(wanted));
    manager.reject(await manager.get(wanted));
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'token_refused', leg: 'call' });
    expect(state.asked).toBe(2);
    clock.advance(1_001);
    manager.reject(await manager.get(wanted));
    clock.advance(1_001);
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'token_refused' });
    clock.advance(1_000);
    const token = await manager.get(wanted);
    manager.accept(token);
    manager.reject(token);
    await expect(manager.get(wanted)).resolves.toMatchObject({ server: 'mcp' });
  });

  it('does not pause for tokens that were good for a while, though nobody said so', async () => {
    const { clock, manager, state, wanted } = world({ expiresInSeconds: 3_600 });
    for (let hour = 0; hour < 5; hour += 1) {
      const token = await manager.get(wanted);
      clock.advance(600_000);
      manager.reject(token);
    }
    expect((await manager.get(wanted)).value).toBe('token-6');
    expect(state.asked).toBe(6);
  });

  it('gives a refusal to the herd right behind, and asks again after a moment', async () => {
    const { clock, manager, state, wanted } = world();
    state.failWith = denied;
    await expect(manager.get(wanted)).rejects.toBe(denied);
    await expect(manager.get(wanted)).rejects.toBe(denied);
    expect(state.asked).toBe(1);
    clock.advance(1_001);
    state.failWith = undefined;
    expect((await manager.get(wanted)).value).toBe('token-2');
  });

  it('lets one caller stop waiting while the flight goes on for the others', async () => {
    const { manager, state, wanted } = world();
    let open = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const impatient = new AbortController();
    const first = manager.get(wanted, impatient.signal);
    const second = manager.get(wanted);
    impatient.abort(new Error('had enough'));
    await expect(first).rejects.toThrow('had enough');
    open();
    expect((await second).value).toBe('token-1');
    expect(state.asked).toBe(1);
  });

  it('keeps no more tokens than it may, and lets go of the one used least recently', async () => {
    const { manager, state, wanted } = world({ maxTokens: 2 });
    const [a, b, c] = ['a', 'b', 'c'].map((key) => ({ ...wanted, key })) as [TokenWanted, TokenWanted, TokenWanted];
    await manager.get(a);
    await manager.get(b);
    await manager.get(a);
    await manager.get(c);
    expect(state.asked).toBe(3);
    const kept = { a: manager.peek(a)?.value, b: manager.peek(b)?.value, c: manager.peek(c)?.value };
    expect(kept).toEqual({ a: 'token-1', b: undefined, c: 'token-3' });
  });

  it('hands a partial grant to who asked for the default and an error to who named the scope', async () => {
    const { manager, wanted } = world();
    const both = { ...wanted, scopes: ['a', 'b'] };
    expect((await manager.get(both)).missingScopes).toEqual(['b']);
    await expect(manager.get({ ...both, explicit: true })).rejects.toMatchObject({
      code: 'scope_not_granted',
      missingScopes: ['b'],
      contact: 'idp-admin',
    });
  });

  it('ends waiting callers when it is closed', async () => {
    const { manager, state, wanted } = world();
    let open = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const waiting = manager.get(wanted);
    const closing = manager.close();
    open();
    await expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await closing;
  });

  describe('with a store', () => {
    it('shares a token between principals of one identity', async () => {
      const store = memoryStore();
      const one = world({ store });
      const two = world({ store });
      one.clock.nowMs = Date.now();
      two.clock.nowMs = Date.now();
      await one.manager.get(one.wanted);
      expect((await two.manager.get(two.wanted)).value).toBe('token-1');
      expect(two.state.asked).toBe(0);
    });

    it('has the copy that got a token renew it, and the others after, should it not', async () => {
      const store = memoryStore();
      const [one, two] = [world({ store }), world({ store })];
      for (const { clock } of [one, two]) clock.nowMs = Date.now();
      await one.manager.get(one.wanted);
      await two.manager.get(two.wanted);
      for (const { clock } of [one, two]) clock.advance(92_000);
      await two.manager.get(two.wanted);
      await settled();
      expect(two.state.asked).toBe(0);
      two.clock.advance(3_000);
      await two.manager.get(two.wanted);
      await settled();
      expect({ askedByOne: one.state.asked, askedByTwo: two.state.asked }).toEqual({ askedByOne: 1, askedByTwo: 1 });
    });

    it("gives a peer's refusal to all copies that come within a moment", async () => {
      const store = memoryStore();
      const [one, two] = [world({ store }), world({ store })];
      one.state.failWith = new CredenceError({ ...deniedInit, status: 400, error: 'access_denied' });
      await expect(one.manager.get(one.wanted)).rejects.toBe(one.state.failWith);
      const wanted = { ...two.wanted, server: 'by-another-name' };
      await expect(two.manager.get(wanted)).rejects.toMatchObject({
        ...deniedInit,
        status: 400,
        error: 'access_denied',
        server: 'by-another-name',
      });
      expect(two.state.asked).toBe(0);
      expect(two.events).toMatchObject([{ type: 'refused', code: 'access_denied', server: 'by-another-name' }]);
    });

    it.each([
      ['a peer that could not be asked', 'discover'],
      ['what is wrong with one process', 'configure'],
    ] as const)('does not take %s for an answer to others', async (_what, leg) => {
      const store = memoryStore();
      const [one, two] = [world({ store }), world({ store })];
      one.state.failWith = new CredenceError({ ...deniedInit, leg, code: 'unreachable' });
      await expect(one.manager.get(one.wanted)).rejects.toBe(one.state.failWith);
      expect((await two.manager.get(two.wanted)).value).toBe('token-1');
      expect(two.state.asked).toBe(1);
    });

    it('has no copy wait for more than the one in front', async () => {
      const kept = memoryStore();
      let waiting = () => {};
      const twoWaits = new Promise<void>((resolve) => {
        waiting = resolve;
      });
      const one = world({ store: kept });
      const two = world({
        store: {
          ...kept,
          async lease(key, ttlMs) {
            const lease = await kept.lease(key, ttlMs);
            if (!lease) waiting();
            return lease;
          },
        },
      });
      let open = () => {};
      one.state.gate = new Promise((resolve) => {
        open = resolve;
      });
      one.state.failWith = new CredenceError({ ...deniedInit, code: 'unreachable', leg: 'discover' });
      const outcomes = Promise.allSettled([one.manager.get(one.wanted), two.manager.get(two.wanted)]);
      await twoWaits;
      open();
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unreachable', leg: 'discover' } });
      }
      expect({ askedByOne: one.state.asked, askedByTwo: two.state.asked }).toEqual({ askedByOne: 1, askedByTwo: 0 });
    });

    it('does not take a refused token back from a store that has not forgotten it yet', async () => {
      const kept = memoryStore();
      let forget = () => {};
      const forgetting = new Promise<void>((resolve) => {
        forget = resolve;
      });
      const store: TokenStore = { ...kept, delete: () => forgetting };
      const { clock, manager, wanted } = world({ store });
      clock.nowMs = Date.now();
      manager.reject(await manager.get(wanted));
      expect((await manager.get(wanted)).value).toBe('token-2');
      forget();
    });

    it('lets a caller whose token ends during a renewal that another copy has wait for that copy', async () => {
      const store = memoryStore();
      const { clock, manager, wanted } = world({ store });
      clock.nowMs = Date.now();
      await manager.get(wanted);
      const elsewhere = await store.lease(wanted.key, 5_000);
      clock.advance(90_000);
      expect((await manager.get(wanted)).value).toBe('token-1');
      clock.advance(20_000);
      const late = manager.get(wanted);
      await settled();
      await elsewhere?.release();
      expect((await late).value).toBe('token-2');
    });

    it('goes on by itself when the store fails, and says so once', async () => {
      const broken = () => Promise.reject(new Error('redis://:password@host refused'));
      const { clock, manager, wanted, events, state } = world({
        store: { get: broken, set: broken, delete: broken, lease: broken },
      });
      await manager.get(wanted);
      clock.advance(200_000);
      await manager.get(wanted);
      await settled();
      expect(state.asked).toBe(2);
      expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
      expect(JSON.stringify(events)).not.toContain('password');
    });
  });
});
