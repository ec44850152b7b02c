import { AsyncLocalStorage } from 'node:async_hooks';
import { CredenceError, fromWorkloadToken, noClientAuth, ServicePrincipal } from '@credence/core';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { EvictReason, PrincipalPoolOptions } from './options.ts';
import { type PrincipalPool, principalPool } from './principal-pool.ts';

let pools: PrincipalPool[];
/** The principals that `create` has returned, in order. */
let created: ServicePrincipal[];
let evicted: [string, EvictReason][];

beforeEach(() => {
  pools = [];
  created = [];
  evicted = [];
});
afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(pools.map(async (pool) => pool.close()));
});

/** A principal that has sent no request. */
function principal(label: string): ServicePrincipal {
  const bot = new ServicePrincipal({
    label,
    servers: {
      notes: {
        url: 'https://notes.example/mcp',
        issuer: 'https://as.example',
        flow: 'workload-identity',
        credential: noClientAuth(),
        assertion: fromWorkloadToken(() => 'jwt', { identity: label }),
      },
    },
  });
  created.push(bot);
  return bot;
}

function poolOf(options: Partial<PrincipalPoolOptions> = {}): PrincipalPool {
  const pool = principalPool({
    create: principal,
    onEvict: (key, reason) => void evicted.push([key, reason]),
    ...options,
  });
  pools.push(pool);
  return pool;
}

function isClosed(bot: ServicePrincipal | undefined): boolean {
  try {
    bot?.server('notes');
    return false;
  } catch {
    return true;
  }
}

/** Lets everything run that does not wait for a timer or the network. */
const settled = async () => new Promise((resolve) => setImmediate(resolve));
const used = async (pool: PrincipalPool, key: string) => pool.use(key, (bot) => bot);

/** A use that lasts until `end` is called. */
function longUse(pool: PrincipalPool, key: string) {
  let end = () => {};
  const held = new Promise<void>((resolve) => {
    end = resolve;
  });
  let seen: ServicePrincipal | undefined;
  const use = pool.use(key, async (bot) => {
    seen = bot;
    await held;
  });
  return { use, end: async () => (end(), use), bot: () => seen };
}

describe('the principals of a pool', () => {
  it('are created by their key, once for concurrent first uses, and kept', async () => {
    const keys: unknown[][] = [];
    const pool = poolOf({
      create: async (...parameters: unknown[]) => {
        keys.push(parameters);
        await settled();
        return principal('tenant');
      },
    });
    const strange = 'tenant/ä\n"7" __proto__';
    const bots = await Promise.all([strange, 'b', strange, 'b', strange].map(async (key) => used(pool, key)));
    expect(keys).toEqual([[strange], ['b']]);
    expect(bots).toEqual([created[0], created[1], created[0], created[1], created[0]]);
    expect(await used(pool, strange)).toBe(created[0]);
    expect(pool.size).toBe(2);
  });

  it('are kept by keys that have the names of members of objects', async () => {
    const pool = poolOf();
    const keys = ['__proto__', 'constructor', 'toString'];
    const bots = await Promise.all(keys.map(async (key) => used(pool, key)));
    expect(new Set(bots).size).toBe(3);
  });

  it('are closed when more than maxIdle are not in use, the least recently used first', async () => {
    const pool = poolOf({ maxIdle: 2 });
    for (const key of ['a', 'b', 'a', 'c', 'd']) await used(pool, key);
    await settled();
    expect(evicted).toEqual([
      ['b', 'max-idle'],
      ['a', 'max-idle'],
    ]);
    expect(created.map((bot) => [bot.label, isClosed(bot)])).toEqual([
      ['a', true],
      ['b', true],
      ['c', false],
      ['d', false],
    ]);
    expect(pool.size).toBe(2);
  });

  it('are not closed during a use, however many others are used, and closed after it', async () => {
    const pool = poolOf({ maxIdle: 0 });
    const [first, second] = [longUse(pool, 'a'), longUse(pool, 'a')];
    for (let index = 0; index < 20; index += 1) await used(pool, `other-${index}`);
    expect(isClosed(first.bot())).toBe(false);
    await first.end();
    await settled();
    expect(isClosed(second.bot())).toBe(false);
    await second.end();
    await settled();
    expect(isClosed(second.bot())).toBe(true);
    expect(evicted.at(-1)).toEqual(['a', 'max-idle']);
    expect(pool.size).toBe(0);
  });

  it('are replaced for a use that begins while one is being closed', async () => {
    const later: Promise<ServicePrincipal>[] = [];
    const pool: PrincipalPool = poolOf({
      maxIdle: 1,
      onEvict: (key) => {
        if (key === 'a' && later.length === 0) later.push(used(pool, 'a'));
      },
    });
    const first = await used(pool, 'a');
    await used(pool, 'b');
    const [second] = await Promise.all(later);
    expect(second).not.toBe(first);
    await settled();
    expect([isClosed(first), isClosed(second)]).toEqual([true, false]);
  });

  it('are closed after idleMs without a use, counted from the end of the last one, by a timer that keeps no process running', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const pool = poolOf({ idleMs: 60_000 });
    await used(pool, 'a');
    const long = longUse(pool, 'b');
    await settled();
    jest.advanceTimersByTime(59_000);
    await used(pool, 'c');
    await long.end();
    jest.advanceTimersByTime(1_000);
    expect(evicted).toEqual([['a', 'idle']]);
    await used(pool, 'b');
    jest.advanceTimersByTime(59_000);
    expect(evicted).toEqual([
      ['a', 'idle'],
      ['c', 'idle'],
    ]);
    jest.advanceTimersByTime(1_001);
    expect(evicted.at(-1)).toEqual(['b', 'idle']);
    await settled();
    expect(created.map(isClosed)).toEqual([true, true, true]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are never more than max, whatever keys come: a further one waits for one that is not in use, or is refused', async () => {
    let most = 0;
    const pool: PrincipalPool = poolOf({
      max: 20,
      maxIdle: 10,
      create: (key) => {
        most = Math.max(most, pool.size);
        return principal(key);
      },
    });
    const long = Array.from({ length: 15 }, (_, index) => longUse(pool, `held-${index}`));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 500 }, async (_, index) => pool.use(`key-${index}`, settled)),
    );
    const refusals = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' && outcome.reason instanceof CredenceError ? [outcome.reason] : [],
    );
    expect(most).toBe(20);
    expect(refusals).toHaveLength(outcomes.filter(({ status }) => status === 'rejected').length);
    expect(refusals[0]).toMatchObject({ code: 'too_many_principals', retryable: true });
    expect(refusals.every(({ message, remedy }) => !`${message}${remedy}`.includes('key-'))).toBe(true);
    await expect(used(pool, 'one more')).resolves.toBeInstanceOf(ServicePrincipal);
    expect(long.map(({ bot }) => isClosed(bot()))).toEqual(long.map(() => false));
    await Promise.all(long.map(async ({ end }) => end()));
  });

  it('leave the pool by evict, after their last use, and the next use gets a new one', async () => {
    const pool = poolOf();
    const long = longUse(pool, 'a');
    await settled();
    await pool.evict('a');
    const second = await used(pool, 'a');
    expect(second).not.toBe(long.bot());
    expect(isClosed(long.bot())).toBe(false);
    await long.end();
    await settled();
    expect([isClosed(long.bot()), isClosed(second)]).toEqual([true, false]);
    await pool.evict('nobody');
    await pool.evict('a');
    expect(isClosed(second)).toBe(true);
    expect(evicted).toEqual([
      ['a', 'evict'],
      ['a', 'evict'],
    ]);
  });

  it('are closed also if onEvict throws or rejects', async () => {
    for (const onEvict of [
      () => {
        throw new Error('no');
      },
      async () => Promise.reject(new Error('no')),
    ]) {
      const pool = poolOf({ maxIdle: 0, onEvict });
      const bot = await used(pool, 'a');
      await settled();
      expect(isClosed(bot)).toBe(true);
    }
  });

  it('are created outside of the context of the run that needs them first', async () => {
    const run = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const pool = poolOf({
      create: async (key) => {
        seen.push(run.getStore());
        await settled();
        seen.push(run.getStore());
        return principal(key);
      },
    });
    await run.run('run of a', async () => used(pool, 'a'));
    expect(seen).toEqual([undefined, undefined]);
  });
});

describe('a principal that cannot be created', () => {
  it('is a refusal to each caller that waits, without the text of the error, and is not remembered', async () => {
    let calls = 0;
    const pool = poolOf({
      create: (key) => {
        calls += 1;
        if (calls === 1) throw new Error('password=hunter2 of tenant-secret');
        return principal(key);
      },
    });
    const outcomes = await Promise.allSettled([used(pool, 'tenant-secret'), used(pool, 'tenant-secret')]);
    for (const outcome of outcomes) {
      const { reason } = outcome as PromiseRejectedResult;
      expect(reason).toMatchObject({ code: 'unknown_principal', leg: 'configure', contact: 'you' });
      const { message, remedy, cause } = reason as CredenceError;
      expect(`${message} ${remedy} ${String(cause)}`).not.toMatch(/hunter2|tenant-secret/u);
    }
    expect(pool.size).toBe(0);
    await expect(used(pool, 'tenant-secret')).resolves.toBeInstanceOf(ServicePrincipal);
    expect(calls).toBe(2);
    expect(evicted).toEqual([]);
  });

  it('is the same refusal if create rejects, and the CredenceError of create if it throws one', async () => {
    const refusal = new CredenceError({
      code: 'invalid_key',
      leg: 'configure',
      message: 'A.',
      remedy: 'B.',
      contact: 'you',
    });
    const pool = poolOf({ create: async (key) => Promise.reject(key === 'a' ? refusal : new Error('no')) });
    await expect(used(pool, 'a')).rejects.toBe(refusal);
    await expect(used(pool, 'b')).rejects.toMatchObject({ code: 'unknown_principal' });
  });

  it('in time is a refusal, and is closed when it comes later', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    let give: (bot: ServicePrincipal) => void = () => undefined;
    const created = new Promise<ServicePrincipal>((resolve) => {
      give = resolve;
    });
    const pool = poolOf({ create: async () => created, createTimeoutMs: 5_000 });
    const refused = expect(used(pool, 'a')).rejects.toMatchObject({ code: 'unknown_principal' });
    await settled();
    jest.advanceTimersByTime(5_000);
    await refused;
    expect(pool.size).toBe(0);
    const bot = principal('late');
    give(bot);
    await settled();
    expect(isClosed(bot)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['something else', () => ({ token: 'x' })],
    ['an object with some of its methods', () => ({ fetchFor: () => fetch, close: async () => Promise.resolve() })],
    [
      'a closed principal',
      async () => {
        const bot = principal('closed');
        await bot.close();
        return bot;
      },
    ],
  ])('is refused if create returns %s', async (_what, create) => {
    const pool = poolOf({ create: create as PrincipalPoolOptions['create'] });
    await expect(used(pool, 'a')).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(
        /^The function create of principalPool returned (something that is not a ServicePrincipal|a principal that is closed)\.$/u,
      ),
    });
    expect(pool.size).toBe(0);
  });

  it('is refused if create returns the principal of another key, which stays open', async () => {
    const shared = principal('shared');
    const pool = poolOf({ create: () => shared });
    await expect(used(pool, 'a')).resolves.toBe(shared);
    await expect(used(pool, 'b')).rejects.toMatchObject({ code: 'invalid_configuration' });
    await settled();
    expect(isClosed(shared)).toBe(false);
  });

  it.each<[string, unknown]>([
    ['an empty text', ''],
    ['a number', 7],
    ['an object', { toString: () => 'a' }],
    ['a text of 257 characters', 'x'.repeat(257)],
  ])('is refused for a key that is %s, and create is not called', async (_what, key) => {
    const pool = poolOf();
    const message = 'The key of a principal must be a string of 1 to 256 characters.';
    await expect(used(pool, key as string)).rejects.toMatchObject({ code: 'no_principal', message });
    await expect(pool.tools(key as string)).rejects.toMatchObject({ code: 'no_principal', message });
    await expect(pool.toolsFor({ context: { principal: key } })).rejects.toMatchObject({ code: 'no_principal' });
    expect(created).toEqual([]);
  });
});

describe('a pool that is closed', () => {
  it('closes all principals, also those in use, and refuses further uses; closing again changes nothing', async () => {
    const pool = poolOf();
    const [idle, long] = [await used(pool, 'a'), longUse(pool, 'b')];
    await settled();
    await pool.close();
    expect([isClosed(idle), isClosed(long.bot())]).toEqual([true, true]);
    await long.end();
    await expect(used(pool, 'a')).rejects.toMatchObject({ code: 'closed' });
    await pool.close();
    expect(evicted).toEqual([
      ['a', 'close'],
      ['b', 'close'],
    ]);
    expect(pool.size).toBe(0);
  });

  it('does not wait for a principal that is being created: its callers get the error closed, and it is closed later', async () => {
    let give: (bot: ServicePrincipal) => void = () => undefined;
    const pool = poolOf({
      create: async () =>
        new Promise<ServicePrincipal>((resolve) => {
          give = resolve;
        }),
    });
    const waiting = used(pool, 'a');
    const refused = expect(waiting).rejects.toMatchObject({ code: 'closed' });
    await settled();
    await pool.close();
    await refused;
    const bot = principal('late');
    give(bot);
    await settled();
    expect(isClosed(bot)).toBe(true);
  });

  it('refuses a use that waits for room', async () => {
    const pool = poolOf({ max: 1 });
    await used(pool, 'a');
    const outcome = expect(used(pool, 'b')).rejects.toMatchObject({ code: 'closed' });
    await pool.close();
    await outcome;
  });

  it('is closed by await using', async () => {
    let bot: ServicePrincipal | undefined;
    {
      await using pool = poolOf();
      bot = await used(pool, 'a');
      expect(isClosed(bot)).toBe(false);
    }
    expect(isClosed(bot)).toBe(true);
  });
});

it.each<[string, object]>([
  ['no create', { create: undefined }],
  ['a misspelt option', { maxIdel: 3 }],
  ['a negative maxIdle', { maxIdle: -1 }],
  ['a max of 0', { max: 0 }],
  ['an idleMs of 0', { idleMs: 0 }],
  ['an empty contextKey', { contextKey: '' }],
  ['a misspelt option of loadTools', { loadTools: { onRefuse: 'throw' } }],
  ['servers that are not a list', { servers: 'notes' }],
])('principalPool throws invalid_configuration for %s', (_what, options) => {
  expect(() => poolOf(options)).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
});
