import { parseArgs } from 'node:util';

export const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] as const;
export type Letter = (typeof LETTERS)[number];

export interface BenchOptions {
  readonly only: readonly Letter[];
  readonly rounds: number | undefined;
  readonly json: boolean;
  readonly write: boolean;
}

export const USAGE = `npm run bench -- [options]
  --only a,c    runs only these measurements (a to i)
  --rounds N    repeats each measurement N times; each has its own default
  --json        prints JSON instead of the table
  --write       writes the table into docs/performance.md`;

/** Throws an Error whose message names the invalid option. */
export function optionsFrom(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const requested = values.only?.split(',').map((letter) => letter.trim());
  const unknown = requested?.find((letter) => !LETTERS.some((known) => known === letter));
  if (unknown !== undefined) throw new Error(`"${unknown}" is no measurement: a to i`);
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    throw new Error('--rounds must be a positive integer');
  return {
    only: LETTERS.filter((letter) => requested?.includes(letter) ?? true),
    rounds,
    json: values.json,
    write: values.write,
  };
}
