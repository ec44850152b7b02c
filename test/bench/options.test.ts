import { describe, expect, it } from '@jest/globals';
import { optionsFrom } from '../../bench/options.ts';
import { atLeast, atMost, ratioOf } from '../../bench/report/row.ts';
import { median, percentile } from '../../bench/report/stats.ts';
import { tableOf } from '../../bench/report/table.ts';

describe('optionsFrom', () => {
  it('runs every measurement by default, and reads --only, --rounds and --json', () => {
    const all = optionsFrom([]);
    expect(all).toEqual({
      only: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'],
      rounds: undefined,
      json: false,
      write: false,
    });
    expect(optionsFrom(['--only', 'c,a', '--rounds', '3', '--json'])).toMatchObject({
      only: ['a', 'c'],
      rounds: 3,
      json: true,
    });
  });

  it.each([[['--only', 'j']], [['--rounds', '0']], [['--rounds', 'two']], [['--fast']]])('throws for %j', (args) => {
    expect(() => optionsFrom(args)).toThrow();
  });
});

describe('the report of the benchmark', () => {
  it('computes medians, and percentiles by nearest rank', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    const hundred = Array.from({ length: 100 }, (_, at) => at + 1).toReversed();
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
    expect(() => median([])).toThrow('nothing was measured');
  });

  it('divides by the baseline of the same SDK, and marks a target as met only if both SDKs meet it', () => {
    const ratio = ratioOf([110, 300], [100, 200]);
    expect(ratio).toEqual([1.1, 1.5]);
    expect(atMost(ratio, 1.15, ' x')).toEqual({ text: '<= 1.15 x', met: false });
    expect(atLeast([0.85], 0.85, ' x')).toEqual({ text: '>= 0.85 x', met: true });
  });

  it('marks a missed target in the table', () => {
    const table = tableOf([
      {
        id: 'a',
        what: 'time',
        unit: 'ms',
        peerV2: 271,
        baseline: [100, 200],
        credence: [110, 300],
        ratio: [1.1, 1.5],
        target: { text: '<= 1.15 x', met: false },
      },
    ]);
    const cells = table
      .split('\n')
      .at(-1)
      ?.split('|')
      .map((cell) => cell.trim());
    expect(cells).toEqual([
      '',
      '(a)',
      'time',
      '271 ms',
      '',
      '100 / 200 ms',
      '110 / 300 ms',
      '1.10 / 1.50',
      '<= 1.15 x',
      'MISSED',
      '',
    ]);
  });
});
