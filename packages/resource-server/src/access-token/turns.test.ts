import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Turns } from './turns.ts';

describe('Turns', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('are taken in order, so many at once, and given up by who waits too long', async () => {
    const turns = new Turns({ atOnce: 2, waitMs: 1000 });
    const came: string[] = [];
    const ask = (name: string) => turns.take().then((hasTurn) => came.push(hasTurn ? name : `not ${name}`));
    for (const name of ['a', 'b', 'c']) void ask(name);
    await jest.advanceTimersByTimeAsync(500);
    for (const name of ['d', 'e']) void ask(name);
    turns.giveBack();
    await jest.advanceTimersByTimeAsync(499);
    expect(came).toEqual(['a', 'b', 'c']);
    void ask('f');
    await jest.advanceTimersByTimeAsync(501);
    expect(came).toEqual(['a', 'b', 'c', 'not d', 'not e']);
    turns.giveBack();
    await jest.advanceTimersByTimeAsync(0);
    expect(came.at(-1)).toBe('f');
    for (let given = 0; given < 2; given += 1) turns.giveBack();
    await expect(Promise.all([turns.take(), turns.take()])).resolves.toEqual([true, true]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
