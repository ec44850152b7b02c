/** The server and the original name of a tool. Every tool that `loadTools` returns has its ToolOrigin in `metadata.credence`. */
export interface ToolOrigin {
  /** The configured name of the server. */
  readonly server: string;
  /** The name of the tool at that server. */
  readonly tool: string;
}

/** The origin of a tool of `loadTools`. Undefined for any other tool. */
export function toolOrigin(tool: unknown): ToolOrigin | undefined {
  const metadata = field(tool, 'metadata');
  const origin = field(metadata, 'credence');
  const server = field(origin, 'server');
  const name = field(origin, 'tool');
  return typeof server === 'string' && typeof name === 'string' ? { server, tool: name } : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
