import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CredenceError } from '../errors/credence-error.ts';
import type { CredenceEvent } from '../runtime/events.ts';
import type { Grant } from '../flows/flow.ts';
import { runtimeFromOptions } from '../principal/runtime-from-options.ts';
import { SharedStore } from '../store/shared-store.ts';
import { memoryStore } from '../store/memory-store.ts';
import { TokenManager } from './token-manager.ts';
import type { TokenWanted } from './token-wanted.ts';
import type { TokenStore } from '../store/token-store.ts';

class FakeClock {
  nowMs = 1_000_000;
  wallMs = () => this.nowMs;
  monotonicMs = () => this.nowMs;
  advance(ms: number): void {
    this.nowMs += ms;
  }
}

/** A manager with a fake clock, and an `acquire` function that counts its calls. */
function world(
  options: { store?: TokenStore; expiresInSeconds?: number | undefined; maxTokens?: number; clock?: FakeClock } = {},
) {
  const clock = options.clock ?? new FakeClock();
  const events: CredenceEvent[] = [];
  const runtime = runtimeFromOptions({ servers: {}, clock, onEvent: (event) => events.push(event) });
  const store = options.store && new SharedStore(runtime, options.store);
  const manager = new TokenManager(runtime, store, options.maxTokens);
  const state = {
    acquisitions: 0,
    refusedCalls: 0,
    failWith: undefined as CredenceError | undefined,
    granted: ['a'] as readonly string[],
    expiresInSeconds: 'expiresInSeconds' in options ? options.expiresInSeconds : 100,
    gate: Promise.resolve(),
  };
  const acquire = async (signal: AbortSignal): Promise<Grant> => {
    state.acquisitions += 1;
    const value = `token-${state.acquisitions}`;
    await state.gate;
    signal.throwIfAborted();
    // Each failed request has an error of its own.
    if (state.failWith) throw new CredenceError(state.failWith.toJSON());
    return {
      accessToken: value,
      type: 'Bearer',
      expiresInSeconds: state.expiresInSeconds,
      scopes: state.granted,
      scopesStated: true,
      issuer: 'https://as.example',
      resource: 'https://mcp.example/mcp',
      refused: () => {
        state.refusedCalls += 1;
      },
    };
  };
  const wanted: TokenWanted = { key: 'k', server: 'mcp', scopes: ['a'], explicit: false, lasting: true, acquire };
  return { clock, events, manager, state, wanted };
}

const deniedInit = {
  code: 'access_denied',
  leg: 'exchange',
  message: 'The policy refuses.',
  remedy: 'Ask.',
  contact: 'idp-admin',
} as const;
const denied = new CredenceError(deniedInit);

/** Lets all promises settle that do not wait for a timer. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('TokenManager', () => {
  it('acquires one token for a hundred concurrent callers', async () => {
    const { manager, state, wanted } = world();
    const tokens = await Promise.all(Array.from({ length: 100 }, () => manager.get(wanted)));
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(['token-1']));
    expect(state.acquisitions).toBe(1);
  });

  it('renews an ageing token once in the background', async () => {
    const { clock, manager, state, wanted, events } = world();
    await manager.get(wanted);
    clock.advance(92_000);
    const during = await Promise.all(Array.from({ length: 10 }, () => manager.get(wanted)));
    expect(during.every(({ value }) => value === 'token-1')).toBe(true);
    await settled();
    expect((await manager.get(wanted)).value).toBe('token-2');
    expect(state.acquisitions).toBe(2);
    expect(events.map(({ type }) => type)).toEqual(['acquired', 'renewed']);
  });

  it('acquires no token until the time in Retry-After has passed, neither by a renewal nor for a caller', async () => {
    const { clock, manager, state, wanted } = world();
    await manager.get(wanted);
    state.failWith = new CredenceError({ ...deniedInit, code: 'rate_limited', retryable: true, retryAfterSeconds: 30 });
    clock.advance(92_000);
    expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    clock.advance(3_000);
    expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    expect(state.acquisitions).toBe(2);
    clock.advance(26_000);
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(state.acquisitions).toBe(2);
    state.failWith = undefined;
    clock.advance(1_000);
    expect((await manager.get(wanted)).value).toBe('token-3');
  });

  it('does not use a token from the store again that was refused while the store was down', async () => {
    const inner = memoryStore();
    let isDown = false;
    const ifUp = <T>(operation: () => Promise<T>) => (isDown ? Promise.reject(new Error('down')) : operation());
    const store: TokenStore = {
      get: async (key) => ifUp(async () => inner.get(key)),
      set: async (key, value, ttlMs) => ifUp(async () => inner.set(key, value, ttlMs)),
      delete: async (key, value) => ifUp(async () => inner.delete(key, value)),
      lease: async (key, ttlMs) => ifUp(async () => inner.lease(key, ttlMs)),
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

  it('acquires a token again after five minutes if Retry-After is an hour', async () => {
    const { clock, manager, state, wanted } = world();
    state.failWith = new CredenceError({
      ...deniedInit,
      code: 'rate_limited',
      retryable: true,
      retryAfterSeconds: 3_600,
    });
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'rate_limited' });
    state.failWith = undefined;
    clock.advance(299_999);
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'rate_limited' });
    expect(state.acquisitions).toBe(1);
    clock.advance(1);
    expect((await manager.get(wanted)).value).toBe('token-2');
  });

  it('returns the current token after a failed renewal until it expires', async () => {
    const { clock, manager, state, wanted, events } = world();
    await manager.get(wanted);
    clock.advance(92_000);
    state.failWith = denied;
    expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    for (let call = 0; call < 20; call += 1) expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    expect(state.acquisitions).toBe(2);
    expect(events.at(-1)).toMatchObject({ type: 'renewal-failed', code: 'access_denied', contact: 'idp-admin' });
    clock.advance(2_000);
    await manager.get(wanted);
    await settled();
    expect(state.acquisitions).toBe(3);
    clock.advance(20_000);
    await expect(manager.get(wanted)).rejects.toMatchObject({ ...deniedInit, server: 'mcp' });
  });

  it.each([
    ['a two-second token', 2],
    ['a five-minute token', 300],
    ['a day-long token', 86_400],
  ])('renews %s before it expires and does not return it afterwards', async (_name, seconds) => {
    const { clock, manager, state, wanted } = world({ expiresInSeconds: seconds });
    await manager.get(wanted);
    clock.advance(seconds * 500);
    await manager.get(wanted);
    await settled();
    expect(state.acquisitions).toBe(1);
    clock.advance(seconds * 500 - Math.min(seconds * 60, 11_000));
    expect((await manager.get(wanted)).value).toBe('token-1');
    await settled();
    expect(state.acquisitions).toBe(2);
    clock.advance(seconds * 1_000);
    expect((await manager.get(wanted)).value).toBe('token-3');
  });

  it('assumes a lifetime of five minutes if the response has no expires_in', async () => {
    const { clock, manager, state, wanted } = world({ expiresInSeconds: undefined });
    const token = await manager.get(wanted);
    expect(token.expiresAt.getTime()).toBe(clock.nowMs + 300_000);
    clock.advance(200_000);
    await manager.get(wanted);
    expect(state.acquisitions).toBe(1);
  });

  it('returns a token with a lifetime of zero to the waiting caller and does not keep it', async () => {
    const { manager, state, wanted } = world({ expiresInSeconds: 0 });
    expect((await manager.get(wanted)).value).toBe('token-1');
    expect((await manager.get(wanted)).value).toBe('token-2');
    expect(state.acquisitions).toBe(2);
  });

  describe('with fake timers', () => {
    class RunningClock extends FakeClock {
      override wallMs = () => Date.now();
      override monotonicMs = () => performance.now();
    }

    beforeEach(() => void jest.useFakeTimers());
    afterEach(() => void jest.useRealTimers());

    it('renews a rarely used token by its timer, so that no caller waits', async () => {
      const { manager, state, wanted, events } = world({ clock: new RunningClock() });
      await manager.get(wanted);
      for (let lifetime = 1; lifetime <= 5; lifetime += 1) {
        // The token is used once in its lifetime, and not in the last tenth of it.
        await jest.advanceTimersByTimeAsync(60_000);
        expect((await manager.get(wanted)).value).toBe(`token-${lifetime}`);
        await jest.advanceTimersByTimeAsync(39_000);
      }
      expect(state.acquisitions).toBe(6);
      expect(events.map(({ type }) => type)).toEqual(['acquired', ...Array.from({ length: 5 }, () => 'renewed')]);
      await manager.close();
    });

    it('does not renew a token that was not used since its last renewal', async () => {
      const { manager, state, wanted } = world({ clock: new RunningClock() });
      await manager.get(wanted);
      await jest.advanceTimersByTimeAsync(3_600_000);
      expect(state.acquisitions).toBe(2);
      expect(jest.getTimerCount()).toBe(0);
      await manager.close();
    });

    it('repeats a failed renewal while the token is valid, also without a call', async () => {
      const { manager, state, wanted, events } = world({ clock: new RunningClock() });
      await manager.get(wanted);
      state.failWith = denied;
      await jest.advanceTimersByTimeAsync(92_000);
      expect(events.map(({ type }) => type)).toContain('renewal-failed');
      state.failWith = undefined;
      await jest.advanceTimersByTimeAsync(3_500);
      expect(events.at(-1)?.type).toBe('renewed');
      const { acquisitions } = state;
      expect((await manager.get(wanted)).value).toBe(`token-${acquisitions}`);
      expect(state.acquisitions).toBe(acquisitions);
      await manager.close();
    });

    it('uses one timer for all tokens, and none after it is closed', async () => {
      const { manager, state, wanted } = world({ clock: new RunningClock() });
      const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
      for (const key of keys) {
        await manager.get({ ...wanted, key });
        await jest.advanceTimersByTimeAsync(100);
      }
      expect(jest.getTimerCount()).toBe(1);
      await jest.advanceTimersByTimeAsync(95_000);
      expect(state.acquisitions).toBe(100);
      await manager.close();
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  it('replaces a refused token once for all callers that reject it', async () => {
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
    expect(state.acquisitions).toBe(2);
    expect(state.refusedCalls).toBe(1);
    expect(events.filter(({ type }) => type === 'rejected')).toHaveLength(1);
  });

  it('keeps the newer token if an older one is rejected later', async () => {
    const { manager, state, wanted } = world();
    const old = await manager.get(wanted);
    manager.reject(old);
    await manager.get(wanted);
    manager.reject(old);
    expect((await manager.get(wanted)).value).toBe('token-2');
    expect(state.acquisitions).toBe(2);
  });

  it('pauses acquisitions, longer each time, if the server refuses one new token after another', async () => {
    const { clock, manager, state, wanted } = world();
    manager.reject(await manager.get(wanted));
    manager.reject(await manager.get(wanted));
    await expect(manager.get(wanted)).rejects.toMatchObject({ code: 'token_refused', leg: 'call' });
    expect(state.acquisitions).toBe(2);
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

  it('does not pause if the refused tokens are older than 30 seconds, even if accept was not called', async () => {
    const { clock, manager, state, wanted } = world({ expiresInSeconds: 3_600 });
    for (let hour = 0; hour < 5; hour += 1) {
      const token = await manager.get(wanted);
      clock.advance(600_000);
      manager.reject(token);
    }
    expect((await manager.get(wanted)).value).toBe('token-6');
    expect(state.acquisitions).toBe(6);
  });

  it('throws a refusal again to callers within a second, and acquires again afterwards', async () => {
    const { clock, manager, state, wanted } = world();
    state.failWith = denied;
    await expect(manager.get(wanted)).rejects.toMatchObject({ ...deniedInit, server: 'mcp' });
    await expect(manager.get(wanted)).rejects.toMatchObject({ ...deniedInit, server: 'mcp' });
    expect(state.acquisitions).toBe(1);
    clock.advance(1_001);
    state.failWith = undefined;
    expect((await manager.get(wanted)).value).toBe('token-2');
  });

  it('continues an acquisition for the other callers if one caller aborts', async () => {
    const { manager, state, wanted } = world();
    let open = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const caller = new AbortController();
    const first = manager.get(wanted, caller.signal);
    const second = manager.get(wanted);
    caller.abort(new Error('aborted by the caller'));
    await expect(first).rejects.toThrow('aborted by the caller');
    open();
    expect((await second).value).toBe('token-1');
    expect(state.acquisitions).toBe(1);
  });

  it('keeps at most maxTokens tokens, and removes the least recently used', async () => {
    const { manager, state, wanted } = world({ maxTokens: 2 });
    const [a, b, c] = ['a', 'b', 'c'].map((key) => ({ ...wanted, key })) as [TokenWanted, TokenWanted, TokenWanted];
    await manager.get(a);
    await manager.get(b);
    await manager.get(a);
    await manager.get(c);
    expect(state.acquisitions).toBe(3);
    const values = { a: manager.peek(a)?.value, b: manager.peek(b)?.value, c: manager.peek(c)?.value };
    expect(values).toEqual({ a: 'token-1', b: undefined, c: 'token-3' });
  });

  it('returns a partial grant for the configured scopes, and throws for explicitly requested scopes', async () => {
    const { manager, wanted } = world();
    const both = { ...wanted, scopes: ['a', 'b'] };
    expect((await manager.get(both)).missingScopes).toEqual(['b']);
    await expect(manager.get({ ...both, explicit: true })).rejects.toMatchObject({
      code: 'scope_not_granted',
      missingScopes: ['b'],
      contact: 'idp-admin',
    });
  });

  it('rejects waiting callers when it is closed', async () => {
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
    it('shares a token between principals with the same identity', async () => {
      const store = memoryStore();
      const one = world({ store });
      const two = world({ store });
      one.clock.nowMs = Date.now();
      two.clock.nowMs = Date.now();
      await one.manager.get(one.wanted);
      expect((await two.manager.get(two.wanted)).value).toBe('token-1');
      expect(two.state.acquisitions).toBe(0);
    });

    it('renews a token first in the process that acquired it, and later in the others', async () => {
      const store = memoryStore();
      const [one, two] = [world({ store }), world({ store })];
      for (const { clock } of [one, two]) clock.nowMs = Date.now();
      await one.manager.get(one.wanted);
      await two.manager.get(two.wanted);
      for (const { clock } of [one, two]) clock.advance(92_000);
      await two.manager.get(two.wanted);
      await settled();
      expect(two.state.acquisitions).toBe(0);
      two.clock.advance(3_000);
      await two.manager.get(two.wanted);
      await settled();
      expect({ acquisitionsOfOne: one.state.acquisitions, acquisitionsOfTwo: two.state.acquisitions }).toEqual({
        acquisitionsOfOne: 1,
        acquisitionsOfTwo: 1,
      });
    });

    it('rejects with the refusal of a peer in all processes for a second', async () => {
      const store = memoryStore();
      const [one, two] = [world({ store }), world({ store })];
      one.state.failWith = new CredenceError({ ...deniedInit, status: 400, error: 'access_denied' });
      await expect(one.manager.get(one.wanted)).rejects.toMatchObject({ code: one.state.failWith.code, server: 'mcp' });
      const wanted = { ...two.wanted, server: 'by-another-name' };
      await expect(two.manager.get(wanted)).rejects.toMatchObject({
        ...deniedInit,
        status: 400,
        error: 'access_denied',
        server: 'by-another-name',
      });
      expect(two.state.acquisitions).toBe(0);
      // The process that sent the request has reported the refusal.
      expect(one.events).toMatchObject([{ type: 'refused', code: 'access_denied', server: 'mcp' }]);
      expect(two.events).toEqual([]);
    });

    it.each([
      ['a peer that one process cannot reach', 'discover'],
      ['the configuration of one process', 'configure'],
    ] as const)('does not reject in other processes because of %s', async (_what, leg) => {
      const store = memoryStore();
      const [one, two] = [world({ store }), world({ store })];
      one.state.failWith = new CredenceError({ ...deniedInit, leg, code: 'unreachable' });
      await expect(one.manager.get(one.wanted)).rejects.toMatchObject({ code: one.state.failWith.code, server: 'mcp' });
      expect((await two.manager.get(two.wanted)).value).toBe('token-1');
      expect(two.state.acquisitions).toBe(1);
    });

    it('rejects in a waiting process with the error of the process that holds the lease', async () => {
      const sharedStore = memoryStore();
      let waiting = () => {};
      const twoWaits = new Promise<void>((resolve) => {
        waiting = resolve;
      });
      const one = world({ store: sharedStore });
      const two = world({
        store: {
          ...sharedStore,
          async lease(key, ttlMs) {
            const lease = await sharedStore.lease(key, ttlMs);
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
      expect({ acquisitionsOfOne: one.state.acquisitions, acquisitionsOfTwo: two.state.acquisitions }).toEqual({
        acquisitionsOfOne: 1,
        acquisitionsOfTwo: 0,
      });
    });

    it('does not use a refused token again that is still in the store', async () => {
      const sharedStore = memoryStore();
      let finishDelete = () => {};
      const deleting = new Promise<void>((resolve) => {
        finishDelete = resolve;
      });
      const store: TokenStore = { ...sharedStore, delete: () => deleting };
      const { clock, manager, wanted } = world({ store });
      clock.nowMs = Date.now();
      manager.reject(await manager.get(wanted));
      expect((await manager.get(wanted)).value).toBe('token-2');
      finishDelete();
    });

    it('waits for the process that holds the lease if the token expires while that process renews it', async () => {
      const store = memoryStore();
      const { clock, manager, wanted } = world({ store });
      clock.nowMs = Date.now();
      await manager.get(wanted);
      const otherLease = await store.lease(wanted.key, 5_000);
      clock.advance(90_000);
      expect((await manager.get(wanted)).value).toBe('token-1');
      clock.advance(20_000);
      const late = manager.get(wanted);
      await settled();
      await otherLease?.release();
      expect((await late).value).toBe('token-2');
    });

    it('acquires tokens without the store if the store fails, and emits one warning', async () => {
      const fail = () => Promise.reject(new Error('redis://:password@host refused'));
      const { clock, manager, wanted, events, state } = world({
        store: { get: fail, set: fail, delete: fail, lease: fail },
      });
      await manager.get(wanted);
      clock.advance(200_000);
      await manager.get(wanted);
      await settled();
      expect(state.acquisitions).toBe(2);
      expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
      expect(JSON.stringify(events)).not.toContain('password');
    });
  });
});
