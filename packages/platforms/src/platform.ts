import type { WorkloadTokenSource } from '@credence/core';

/** Whether the program runs on a platform. */
export type Detection =
  | { readonly here: true }
  /** `why` is one sentence, for the error that lists all platforms. */
  | { readonly here: false; readonly why: string };

/** A source of tokens that also says whether the program runs on its platform. */
export interface Platform extends WorkloadTokenSource {
  /**
   * Whether the program runs on this platform. Never sends a token. Throws a CredenceError `invalid_configuration` if the platform is
   * there and its configuration is incomplete: then no other platform must be used.
   */
  detect(request: { readonly signal: AbortSignal }): Promise<Detection>;
}

/** Environment variables. Default of each platform: `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;
