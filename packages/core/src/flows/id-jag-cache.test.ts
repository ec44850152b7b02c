import { describe, expect, it } from '@jest/globals';
import { testRuntime } from '../../test-support/runtime.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { memoryStore } from '../store/memory-store.ts';
import { SharedStore } from '../store/shared-store.ts';
import { IdJagCache } from './id-jag-cache.ts';

const LIFETIME_MS = 300_000;
const failure = (code: 'unreachable' | 'access_denied') =>
  new CredenceError({
    code,
    leg: 'exchange',
    message: 'No.',
    remedy: 'Ask.',
    contact: 'idp-admin',
    retryable: code === 'unreachable',
  });

function world() {
  let passedMs = 0;
  const startedMs = Date.now();
  const clock = { wallMs: () => startedMs + passedMs, monotonicMs: () => passedMs };
  const runtime = testRuntime({ clock });
  let obtained = 0;
  const obtain = async () => {
    obtained += 1;
    return {
      assertion: `id-jag-${obtained}`,
      lifetimeMs: LIFETIME_MS,
      scopes: undefined,
      subject: 'bot',
      actor: undefined,
      shown: { subject: 'bot', actor: undefined },
    };
  };
  const store = new SharedStore(runtime, memoryStore());
  return { runtime, store, obtain, advance: (ms: number) => void (passedMs += ms) };
}

describe.each(['in memory', 'in the store'] as const)('an ID-JAG %s that expires in a second', (place) => {
  const expiring = async () => {
    const { runtime, store, obtain, advance } = world();
    const first = new IdJagCache(runtime, store);
    await first.get('k', obtain);
    advance(LIFETIME_MS - 1_000);
    return { cache: place === 'in memory' ? first : new IdJagCache(runtime, store), obtain, advance };
  };

  it('is replaced', async () => {
    const { cache, obtain } = await expiring();
    expect((await cache.get('k', obtain)).value.assertion).toBe('id-jag-2');
  });

  it('is used while the IdP cannot be reached, and not after its end', async () => {
    const { cache, advance } = await expiring();
    const away = async () => Promise.reject(failure('unreachable'));
    expect(await cache.get('k', away)).toMatchObject({ value: { assertion: 'id-jag-1' }, reused: true });
    advance(999);
    expect(await cache.get('k', away)).toMatchObject({ value: { assertion: 'id-jag-1' }, reused: true });
    advance(1);
    await expect(cache.get('k', away)).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('is not used if the IdP refuses another', async () => {
    const { cache } = await expiring();
    await expect(cache.get('k', async () => Promise.reject(failure('access_denied')))).rejects.toMatchObject({
      code: 'access_denied',
    });
  });
});
