import type { Row } from '../report/row.ts';

export interface RunOptions {
  /** How many times a measurement is repeated. Each measurement has its own default and defines what one round is. */
  readonly rounds: number | undefined;
  /** Prints the progress. */
  readonly log: (text: string) => void;
}

/** One of the measurements. It resolves to no rows if it was skipped, and then logs why. */
export type Measure = (options: RunOptions) => Promise<readonly Row[]>;
