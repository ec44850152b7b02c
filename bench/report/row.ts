/** One value for SDK v1 and one for v2, or a single value if the measurement uses no SDK. */
export type Values = readonly [number] | readonly [number, number];

export interface Target {
  /** The printed form: `<= 1.15 x`. */
  readonly text: string;
  readonly met: boolean;
}

/** One line of the table. */
export interface Row {
  /** The letter of the measurement. */
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  /** `CrossAppAccessProvider` of SDK v2. */
  readonly peerV2?: number | undefined;
  /** `PrivateKeyJwtProvider` of SDK v1. */
  readonly peerV1?: number | undefined;
  /** The hand-written minimum, or another program that Credence is compared with. */
  readonly baseline?: Values | undefined;
  readonly credence: Values;
  /** Credence divided by the baseline. */
  readonly ratio?: Values | undefined;
  readonly target?: Target | undefined;
}

/** Divides Credence by its baseline, for each SDK. */
export function ratioOf(credence: Values, baseline: Values): Values {
  const [v1, v2] = credence;
  const [baseV1, baseV2 = baseV1] = baseline;
  return v2 === undefined ? [v1 / baseV1] : [v1 / baseV1, v2 / baseV2];
}

export function atMost(values: Values, limit: number, unit = ''): Target {
  return { text: `<= ${limit}${unit}`, met: values.every((value) => value <= limit) };
}

export function below(values: Values, limit: number, unit = ''): Target {
  return { text: `< ${limit}${unit}`, met: values.every((value) => value < limit) };
}

export function atLeast(values: Values, limit: number, unit = ''): Target {
  return { text: `>= ${limit}${unit}`, met: values.every((value) => value >= limit) };
}
