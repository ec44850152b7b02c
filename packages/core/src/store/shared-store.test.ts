import { describe, expect, it, jest } from '@jest/globals';
import { testRuntime } from '../../test-support/runtime.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { memoryStore } from './memory-store.ts';
import { SharedStore } from './shared-store.ts';

function fakeClock() {
  let nowMs = 1_000;
  return {
    wallMs: () => nowMs,
    monotonicMs: () => nowMs,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('SharedStore', () => {
  it('emits one warning with the error of the store when it fails, and one when it answers again', async () => {
    const clock = fakeClock();
    const runtime = testRuntime({ clock });
    const store = memoryStore();
    let isDown = true;
    const shared = new SharedStore(runtime, {
      ...store,
      async get(key) {
        if (!isDown) return store.get(key);
        throw new CredenceError({
          code: 'unreachable',
          leg: 'configure',
          message: 'Redis does not answer.',
          remedy: 'Look.',
          contact: 'you',
        });
      },
    });
    for (let round = 0; round < 5; round += 1) {
      expect(await shared.get('k')).toBeUndefined();
      clock.advance(2_000);
    }
    isDown = false;
    for (let round = 0; round < 5; round += 1) await shared.get('k');
    expect(runtime.events).toMatchObject([
      { type: 'warning', remedy: 'Redis does not answer. Look.' },
      { type: 'warning', message: 'The token store answers again.' },
    ]);
  });

  it('sends no request to a store for two seconds after it failed', async () => {
    const clock = fakeClock();
    const get = jest.fn(() => Promise.reject(new Error('gone')));
    const shared = new SharedStore(testRuntime({ clock }), { ...memoryStore(), get });
    for (let call = 0; call < 100; call += 1) await shared.get('k');
    expect(get).toHaveBeenCalledTimes(1);
    clock.advance(2_000);
    await shared.get('k');
    expect(get).toHaveBeenCalledTimes(2);
  });

  it('runs the work without a lease if the store fails', async () => {
    const lease = () => Promise.reject(new Error('gone'));
    const shared = new SharedStore(testRuntime(), { ...memoryStore(), lease });
    expect(await shared.leased('k', async () => 'done', 'taken')).toBe('done');
  });

  describe('with a lease', () => {
    const startWithLease = () => {
      const clock = fakeClock();
      const extended: number[] = [];
      const release = jest.fn(async () => undefined);
      const shared = new SharedStore(testRuntime({ clock }), {
        ...memoryStore(),
        lease: async () => ({
          extend: async () => {
            extended.push(clock.monotonicMs());
            return true;
          },
          release,
        }),
      });
      return { clock, extended, release, shared };
    };

    it('extends it while the work runs, for 15 seconds at most', async () => {
      jest.useFakeTimers();
      try {
        const { clock, extended, release, shared } = startWithLease();
        let finish = () => {};
        const work = new Promise<void>((resolve) => {
          finish = resolve;
        });
        const done = shared.leased('k', () => work, undefined);
        for (let at = 0; at < 60; at += 1) {
          clock.advance(1_000);
          await jest.advanceTimersByTimeAsync(1_000);
        }
        finish();
        await done;
        expect(extended.length).toBeGreaterThanOrEqual(4);
        expect(Math.max(...extended)).toBeLessThanOrEqual(1_000 + 15_000);
        expect(release).toHaveBeenCalledTimes(1);
      } finally {
        jest.useRealTimers();
      }
    });

    it('releases it when the work fails', async () => {
      const { release, shared } = startWithLease();
      await expect(shared.leased('k', () => Promise.reject(new Error('no')), undefined)).rejects.toThrow('no');
      expect(release).toHaveBeenCalledTimes(1);
    });
  });
});
