import { getEventListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { waitFor } from './wait-for.ts';

const REASON = new Error('the caller gave up');

describe('waitFor', () => {
  it('gives what the promise comes to, and leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const failure = new Error('no');
    await expect(waitFor(Promise.resolve('value'), undefined)).resolves.toBe('value');
    await expect(waitFor(Promise.resolve('value'), signal)).resolves.toBe('value');
    await expect(waitFor(Promise.reject(failure), signal)).rejects.toBe(failure);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('throws the reason of the signal as soon as it is aborted, while the promise goes on', async () => {
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

  it('throws the reason of a signal that is aborted already, and leaves no unhandled rejection behind', async () => {
    const rejected = Promise.reject(new Error('nobody waits'));
    await expect(waitFor(rejected, AbortSignal.abort(REASON))).rejects.toBe(REASON);
  });
});
