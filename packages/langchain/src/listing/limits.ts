/** Limits on each list of one server: of its tools, resources, resource templates and prompts. */
export interface ToolListLimits {
  /** The number of pages. Default: 100. */
  pages?: number;
  /** The number of entries of a list: tools, resources, resource templates or prompts. Default: 1,000. */
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
