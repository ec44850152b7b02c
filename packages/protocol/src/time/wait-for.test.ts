import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { waitFor } from './wait-for.ts';

const REASON = new Error('the caller gave up');

describe('waitFor', () => {
  it('settles like the promise, and removes its listener from the signal', async () => {
    const { signal } = new AbortController();
    const failure = new Error('no');
    await expect(waitFor(Promise.resolve('value'), undefined)).resolves.toBe('value');
    await expect(waitFor(Promise.resolve('value'), signal)).resolves.toBe('value');
    await expect(waitFor(Promise.reject(failure), signal)).rejects.toBe(failure);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('rejects with the reason of the signal when it is aborted, and the promise stays pending', async () => {
    const caller = new AbortController();
    let finish: (value: string) => void = () => undefined;
    const promise = new Promise<string>((resolve) => {
      finish = resolve;
    });
    const waiting = waitFor(promise, caller.signal);
    caller.abort(REASON);
    await expect(waiting).rejects.toBe(REASON);
    finish('value');
    await expect(promise).resolves.toBe('value');
  });

  it('rejects with the reason of a signal that is already aborted, and causes no unhandled rejection', async () => {
    const rejected = Promise.reject(new Error('not awaited'));
    await expect(waitFor(rejected, AbortSignal.abort(REASON))).rejects.toBe(REASON);
  });
});
