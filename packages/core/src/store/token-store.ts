/**
 * Where tokens and ID-JAGs are kept beyond the principal's own memory, so that all copies of a bot share them. Keys are
 * hashes and say nothing; values are secrets, and a store outside the process encrypts them. A store may fail or forget: the
 * principal goes on by itself and says so in an event.
 */
export interface TokenStore {
  /** Subject tokens are kept there too. Default: they stay in the process that got them. */
  readonly keepsSubjectTokens?: boolean;
  /** The value that was kept under the key; undefined where there is none or its time is up. */
  get(key: string): Promise<string | undefined>;
  /** Keeps the value for `ttlMs` milliseconds. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** Forgets the key if it still has exactly this value. */
  delete(key: string, value: string): Promise<void>;
  /**
   * The right to get what belongs under the key, given to one at a time for `ttlMs` milliseconds; undefined while another
   * has it. Whoever dies with it is rid of it when the time is up.
   */
  lease(key: string, ttlMs: number): Promise<Lease | undefined>;
}

/** The right to get what belongs under one key, until it expires or is released. */
export interface Lease {
  /** Has it for another `ttlMs` from now; false when it is lost. */
  extend(ttlMs: number): Promise<boolean>;
  /** Gives the right back, so that the next one can have it at once. Does nothing where it is lost already. */
  release(): Promise<void>;
}
