import { describe, expect, it } from '@jest/globals';
import { RefreshPace } from './refresh-pace.ts';

/** When the list is read, in milliseconds, if the server announces a change in every moment. */
function readings(durationMs: number): number[] {
  const pace = new RefreshPace();
  const read: number[] = [];
  for (let nowMs = pace.waitMs(0); nowMs < durationMs; nowMs += pace.waitMs(nowMs)) {
    pace.begin(nowMs);
    read.push(nowMs);
  }
  return read;
}

describe('RefreshPace', () => {
  it('lets the list of a server be read soon after its first change', () => {
    expect(new RefreshPace().waitMs(0)).toBe(50);
  });

  it('lets it be read once in ten seconds if the server announces changes all the time', () => {
    expect(readings(60_000).length).toBeLessThan(16);
    expect(readings(3_600_000).length).toBeLessThan(3_600 / 10 + 10);
  });

  it('never lets a change wait longer than ten seconds', () => {
    const read = readings(600_000);
    const gaps = read.slice(1).map((nowMs, index) => nowMs - (read[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000);
  });

  it('forgets the changes of more than two minutes ago', () => {
    const pace = new RefreshPace();
    for (let nowMs = 0; nowMs < 1_000; nowMs += 50) pace.begin(nowMs);
    expect(pace.waitMs(1_000)).toBeGreaterThan(9_000);
    expect(pace.waitMs(122_000)).toBe(50);
  });
});
