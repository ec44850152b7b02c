import type { Row } from '../report/row.ts';

export interface RunOptions {
  /** How often everything is repeated, in turn; each measurement says what it repeats. */
  readonly rounds: number | undefined;
  /** Told what is going on. */
  readonly say: (text: string) => void;
}

/** One of the measurements; `rows` is empty where it had to be left out, which it then said. */
export type Measure = (options: RunOptions) => Promise<readonly Row[]>;
