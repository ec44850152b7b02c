/** A problem of a store that does not make its methods fail, such as values that it cannot read. */
export interface StoreWarning {
  /** The kind of problem: values encrypted with a key that is not configured, or values that the store did not write. */
  readonly code: 'store_unknown_key' | 'store_damaged_value';
  /** The problem, in one sentence. */
  readonly message: string;
  /** What to do, in one sentence. */
  readonly remedy: string;
}

/**
 * A store of tokens and ID-JAGs that all processes of a bot share. Keys are hashes. Values are secrets, so a store outside
 * the process must encrypt them. A store may fail, answer late or lose values: the principal waits at most a second for each method
 * (three for the first), then continues without the store and emits a `warning` event.
 */
export interface TokenStore {
  /** Whether subject tokens are also stored. Default: subject tokens stay in the process that requested them. */
  readonly keepsSubjectTokens?: boolean;
  /** The value of the key. Undefined if there is none or it has expired. */
  get(key: string): Promise<string | undefined>;
  /** Stores the value for `ttlMs` milliseconds. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** Deletes the key if it still has exactly this value. */
  delete(key: string, value: string): Promise<void>;
  /**
   * Takes the lease of the key for `ttlMs` milliseconds. Only one holder has the lease at a time. Returns undefined while
   * another holder has the lease. If the holder crashes, the lease expires.
   */
  lease(key: string, ttlMs: number): Promise<Lease | undefined>;
  /**
   * Optional. The principal calls it once with a function that turns each problem into a `warning` event. Problems that were found
   * before are passed at once. Returns a function that ends it.
   */
  onWarning?(listener: (warning: StoreWarning) => void): () => void;
}

/** The exclusive right to acquire the value of one key, until it expires or is released. */
export interface Lease {
  /** Extends the lease to `ttlMs` milliseconds from now. False if it has expired or another holder has it. */
  extend(ttlMs: number): Promise<boolean>;
  /** Releases the lease, so that another holder can take it at once. Does nothing if it has expired. */
  release(): Promise<void>;
}
