/** Limits on the list of tools of one server. */
export interface ToolListLimits {
  /** The number of pages. Default: 100. */
  pages?: number;
  /** The number of tools. Default: 1,000. */
  tools?: number;
  /** The bytes that the server sends until its list is complete, decompressed. Default: 10,000,000. */
  bytes?: number;
  /**
   * The time for the connection and the whole list, in milliseconds. Default: 60,000, or twice `connectTimeoutMs` if that is more.
   */
  totalMs?: number;
}

export const DEFAULT_LIMITS: Readonly<Required<ToolListLimits>> = {
  pages: 100,
  tools: 1_000,
  bytes: 10_000_000,
  totalMs: 60_000,
};
