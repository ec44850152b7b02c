import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createMemoryStore } from './memory-adapter.ts';

afterEach(() => {
  jest.useRealTimers();
});

describe('createMemoryStore', () => {
  it('does not return expired entries', async () => {
    jest.useFakeTimers();
    const store = createMemoryStore();
    const tokens = store.adapter('AccessToken');
    await tokens.upsert('a', { jti: 'a' }, 10);
    await tokens.upsert('b', { jti: 'b' }, 20);
    jest.setSystemTime(Date.now() + 10_000);
    await expect(tokens.find('a')).resolves.toBeUndefined();
    await expect(tokens.find('b')).resolves.toEqual({ jti: 'b' });
    expect(store.entries('AccessToken').map(({ id }) => id)).toEqual(['b']);
  });

  it('keeps an access token to the millisecond of its expiry, not to the whole second before', async () => {
    jest.useFakeTimers({ now: 1_700_000_000_900 });
    const tokens = createMemoryStore().adapter('AccessToken');
    await tokens.upsert('a', { jti: 'a', exp: 1_700_000_002 }, 2);
    jest.setSystemTime(1_700_000_002_899);
    const found = await tokens.find('a');
    expect(found?.exp).toBeGreaterThan(Date.now() / 1000);
    jest.setSystemTime(1_700_000_002_900);
    await expect(tokens.find('a')).resolves.toBeUndefined();
  });

  it('deletes expired entries, so that it does not grow without limit', async () => {
    jest.useFakeTimers();
    const store = createMemoryStore();
    const tokens = store.adapter('AccessToken');
    for (let round = 0; round < 2_000; round += 1) {
      await tokens.upsert(`t${round}`, { jti: `t${round}` }, 1);
      jest.setSystemTime(Date.now() + 100);
    }
    expect(store.size()).toBeLessThan(600);
  });

  it('stores models separately, and can consume and destroy entries and revoke a grant', async () => {
    const store = createMemoryStore();
    const tokens = store.adapter('AccessToken');
    const codes = store.adapter('AuthorizationCode');
    await tokens.upsert('x', { jti: 'x', grantId: 'g' }, 10);
    await codes.upsert('x', { jti: 'code', grantId: 'h', uid: 'u', userCode: 'c' }, 10);
    await codes.consume('x');
    await expect(codes.find('x')).resolves.toMatchObject({ jti: 'code', consumed: expect.any(Number) });
    await expect(codes.findByUid('u')).resolves.toMatchObject({ jti: 'code' });
    await expect(codes.findByUserCode('c')).resolves.toMatchObject({ jti: 'code' });
    await tokens.revokeByGrantId('g');
    await expect(tokens.find('x')).resolves.toBeUndefined();
    await codes.destroy('x');
    expect(store.size()).toBe(0);
  });
});
