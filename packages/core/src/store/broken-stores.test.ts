import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CredenceError } from '../errors/credence-error.ts';
import { runtimeFromOptions } from '../principal/runtime-from-options.ts';
import type { CredenceEvent, WarningEvent } from '../runtime/events.ts';
import type { AuditRecord } from '../telemetry/audit-record.ts';
import { auditTrail } from '../telemetry/audit-trail.ts';
import { TokenManager } from '../tokens/token-manager.ts';
import type { TokenWanted } from '../tokens/token-wanted.ts';
import { memoryStore } from './memory-store.ts';
import { SharedStore } from './shared-store.ts';
import type { StoreWarning, TokenStore } from './token-store.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
const fails = () => Promise.reject(new Error('redis://:password@host is gone'));
const throws = () => {
  throw new Error('not connected');
};
const hangs = () => new Promise<never>(() => undefined);
const readOnly = () =>
  Promise.reject(
    new CredenceError({
      code: 'peer_unavailable',
      leg: 'configure',
      message: 'Redis refuses commands: READONLY.',
      remedy: 'Give the primary.',
      contact: 'you',
    }),
  );
/** A store written by a user: its methods can return anything. */
const broken = (methods: Record<string, unknown>) => ({ ...memoryStore(), ...methods }) as TokenStore;
const slow = <T>(ms: number, value: () => Promise<T>) =>
  new Promise<T>((resolve, reject) => setTimeout(() => void value().then(resolve, reject), ms));

function world(store: TokenStore) {
  const events: CredenceEvent[] = [];
  const records: AuditRecord[] = [];
  const onEvent = [(event: CredenceEvent) => events.push(event), auditTrail((record) => records.push(record))];
  const runtime = runtimeFromOptions({ servers: {}, clock, onEvent });
  const shared = new SharedStore(runtime, store);
  const manager = new TokenManager(runtime, shared);
  let acquisitions = 0;
  const wanted: TokenWanted = {
    key: 'k',
    server: 'mcp',
    scopes: undefined,
    explicit: false,
    lasting: true,
    acquire: async () => {
      acquisitions += 1;
      return {
        accessToken: `token-${acquisitions}`,
        type: 'Bearer',
        expiresInSeconds: 60,
        scopes: [],
        scopesStated: false,
        issuer: 'https://as.example',
        resource: 'https://mcp.example/mcp',
      };
    },
  };
  const warnings = () => events.filter((event): event is WarningEvent => event.type === 'warning');
  return { manager, shared, wanted, warnings, records, count: () => acquisitions };
}

/** How long the promise takes, in milliseconds of the faked time, or `unsettled` after 20 s. */
async function timed(promise: Promise<unknown>): Promise<number | 'unsettled'> {
  const startedMs = performance.now();
  const took: number[] = [];
  const settled = promise.finally(() => took.push(performance.now() - startedMs));
  settled.catch(() => undefined);
  for (let passedMs = 0; passedMs < 20_000 && took.length === 0; passedMs += 50) {
    await jest.advanceTimersByTimeAsync(50);
  }
  return took[0] ?? 'unsettled';
}

describe('a store that', () => {
  const stores: readonly [string, Record<string, unknown>, number][] = [
    ['rejects', { get: fails, set: fails, delete: fails, lease: fails }, 50],
    ['throws', { get: throws, set: throws, delete: throws, lease: throws }, 50],
    ['never answers', { get: hangs, set: hangs, delete: hangs, lease: hangs }, 3_050],
    ['never answers a write', { set: hangs, delete: hangs, lease: hangs }, 3_050],
    ['refuses writes', { set: readOnly, delete: readOnly, lease: readOnly }, 50],
    ['returns numbers', { get: async () => 42, lease: async () => 42 }, 50],
    ['returns no promises', { get: () => ({}), set: () => 7, delete: () => null, lease: () => true }, 50],
    ['returns a lease without methods', { lease: async () => ({}) }, 50],
    ['returns a lease that throws', { lease: async () => ({ extend: throws, release: throws }) }, 50],
    ['returns a lease whose release never answers', { lease: async () => ({ extend: hangs, release: hangs }) }, 1_050],
  ];

  it.each(stores)(
    '%s delays a call for a limited time and fails none, and one warning reaches events and audit',
    async (_what, methods, limitMs) => {
      const { manager, wanted, warnings, records, shared } = world(broken(methods));
      expect(await timed(manager.get(wanted))).toBeLessThanOrEqual(limitMs);
      for (let call = 0; call < 20; call += 1) {
        await jest.advanceTimersByTimeAsync(1_000);
        expect(await timed(manager.get({ ...wanted, key: `k${call}` }))).toBeLessThanOrEqual(1_050);
      }
      expect(warnings()).toMatchObject([{ code: 'store_unavailable', leg: 'configure' }]);
      expect(records.filter(({ outcome }) => outcome === 'warning')).toMatchObject([{ code: 'store_unavailable' }]);
      expect(shared.state.up).toBe(false);
      expect(shared.state.message).toMatch(/./u);
      expect(JSON.stringify(records)).not.toContain('password');
      await timed(manager.close());
    },
  );

  it('returns null and huge values is a store without values', async () => {
    const { manager, wanted, warnings } = world(
      broken({ get: async (key: string) => (key === 'k' ? null : 'x'.repeat(1e7)) }),
    );
    await manager.get(wanted);
    await manager.get({ ...wanted, key: 'other' });
    expect(warnings()).toMatchObject([{ code: 'store_damaged_value' }]);
    await manager.close();
  });

  it('answers slowly is left alone after three slow answers, and used again when it is fast', async () => {
    const inner = memoryStore();
    let delayMs = 800;
    const { manager, wanted, warnings } = world({
      ...inner,
      get: (key) => slow(delayMs, () => inner.get(key)),
      set: (key, value, ttlMs) => slow(delayMs, () => inner.set(key, value, ttlMs)),
      lease: (key, ttlMs) => slow(delayMs, () => inner.lease(key, ttlMs)),
    });
    expect(await timed(manager.get(wanted))).toBeLessThanOrEqual(3_300);
    expect(warnings()).toMatchObject([{ code: 'store_unavailable' }]);
    delayMs = 5;
    await jest.advanceTimersByTimeAsync(2_500);
    await timed(manager.get({ ...wanted, key: 'other' }));
    expect(warnings().at(-1)).toMatchObject({ code: 'store_available' });
    await timed(manager.close());
  });

  it('fails again and again in one outage emits one warning, and one when it is over', async () => {
    const inner = memoryStore();
    let isDown = false;
    const ifUp = <T>(call: () => Promise<T>) => (isDown ? fails() : call());
    const { manager, wanted, warnings } = world({
      get: (key) => ifUp(() => inner.get(key)),
      set: (key, value, ttlMs) => ifUp(() => inner.set(key, value, ttlMs)),
      delete: (key, value) => ifUp(() => inner.delete(key, value)),
      lease: (key, ttlMs) => ifUp(() => inner.lease(key, ttlMs)),
    });
    for (const [down, key] of [
      [false, 'a'],
      [true, 'b'],
      [true, 'c'],
      [false, 'd'],
      [false, 'e'],
      [true, 'f'],
      [false, 'g'],
    ] as const) {
      isDown = down;
      for (let call = 0; call < 5; call += 1) {
        await timed(manager.get({ ...wanted, key: `${key}${call}` }));
        await jest.advanceTimersByTimeAsync(20_000);
      }
    }
    expect(warnings().map(({ code }) => code)).toEqual([
      'store_unavailable',
      'store_available',
      'store_unavailable',
      'store_available',
    ]);
    await timed(manager.close());
  });
});

describe('a lease that is never released and never expires', () => {
  const stuck = () => broken({ lease: async () => undefined });

  it('delays the first call for fifteen seconds, and then no other', async () => {
    const { manager, wanted, warnings, count } = world(stuck());
    const tookMs = await timed(manager.get(wanted));
    expect(tookMs).toBeGreaterThan(14_000);
    expect(tookMs).toBeLessThanOrEqual(15_500);
    expect(warnings()).toMatchObject([{ code: 'store_lease_ignored' }]);
    // Tokens live for a minute, and the next ones are renewed in the background.
    for (let second = 0; second < 600; second += 1) {
      await jest.advanceTimersByTimeAsync(1_000);
      expect(await timed(manager.get(wanted))).toBeLessThanOrEqual(50);
    }
    expect(count()).toBeGreaterThan(8);
    expect(count()).toBeLessThan(25);
    await timed(manager.close());
  });

  it('is not ignored while its holders store results', async () => {
    const { shared, warnings } = world(stuck());
    for (let second = 0; second < 60; second += 1) {
      expect(await shared.leased('k', async () => 'alone', 'taken')).toBe('taken');
      shared.holderFinished('k');
      await jest.advanceTimersByTimeAsync(1_000);
    }
    expect(warnings()).toEqual([]);
  });
});

describe('a value that is put back into the store later', () => {
  const refusal = new CredenceError({
    code: 'access_denied',
    leg: 'exchange',
    message: 'No.',
    remedy: 'Ask.',
    contact: 'idp-admin',
    status: 403,
    error: 'access_denied',
  });

  it.each([
    ['refusal', 600_000],
    ['token', 61_000],
  ] as const)('(an old %s) has no effect, whatever its expiry in the store', async (kind, laterMs) => {
    const inner = memoryStore();
    const stored = new Map<string, string>();
    const store: TokenStore = {
      ...inner,
      async set(key, value, ttlMs) {
        stored.set(key, value);
        await inner.set(key, value, ttlMs);
      },
    };
    const first = world(store);
    const acquire = kind === 'refusal' ? async () => Promise.reject(refusal) : first.wanted.acquire;
    await timed(first.manager.get({ ...first.wanted, acquire }));
    await timed(first.manager.close());
    const [[key, value] = ['', '']] = stored;
    expect(key).toBe(kind === 'refusal' ? 'k.refused' : 'k');
    await jest.advanceTimersByTimeAsync(laterMs);
    await inner.set(key, value, 1e12);
    const second = world(inner);
    const token = second.manager.get({ ...second.wanted, acquire: second.wanted.acquire });
    await timed(token);
    expect(second.count()).toBe(1);
    expect((await token).expiresAt.getTime()).toBeGreaterThan(Date.now() + 50_000);
    await timed(second.manager.close());
  });

  it('(a token that the server refused) costs each process at most one call', async () => {
    const inner = memoryStore();
    const { manager, wanted } = world(inner);
    const token = await manager.get(wanted);
    const value = (await inner.get('k')) ?? '';
    manager.reject(token);
    await jest.advanceTimersByTimeAsync(10);
    expect(await inner.get('k')).toBeUndefined();
    for (let round = 0; round < 5; round += 1) {
      await inner.set('k', value, 60_000);
      expect((await manager.get(wanted)).value).not.toBe(token.value);
    }
    await timed(manager.close());
  });
});

it('problems that a store reports become one warning of each kind, also those that it found before', async () => {
  const problem: StoreWarning = { code: 'store_unknown_key', message: 'Another key.', remedy: 'Give the same key.' };
  let emit: (warning: StoreWarning) => void = () => undefined;
  const end = jest.fn();
  const store = broken({
    onWarning(listener: typeof emit) {
      emit = listener;
      listener(problem);
      return end;
    },
  });
  const { shared, warnings } = world(store);
  emit(problem);
  emit({ ...problem, code: 'store_damaged_value' });
  expect(warnings().map(({ code }) => code)).toEqual(['store_unknown_key', 'store_damaged_value']);
  expect(await shared.check()).toMatchObject([{ code: 'store_unknown_key' }, { code: 'store_damaged_value' }]);
  shared.close();
  expect(end).toHaveBeenCalledTimes(1);
});
