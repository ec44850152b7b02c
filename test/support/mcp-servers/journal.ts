import * as z from 'zod';
import type { IncomingHttpHeaders } from 'node:http';

const META_PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion';
const META_CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

const Message = z.looseObject({
  method: z.string().optional(),
  id: z.union([z.string(), z.number()]).optional(),
  params: z
    .looseObject({
      name: z.string().optional(),
      protocolVersion: z.string().optional(),
      capabilities: z.record(z.string(), z.unknown()).optional(),
      _meta: z.record(z.string(), z.unknown()).optional(),
    })
    .optional(),
});

/** A JSON-RPC message that arrived, also if it was refused. */
export interface JournalEntry {
  /** The JSON-RPC method, or `'(response)'` for an answer to a request of the server. */
  readonly method: string;
  readonly id: string | number | undefined;
  /** The tool of a `tools/call`. */
  readonly tool: string | undefined;
  /** From `_meta` (2026-07-28), or from the parameters of `initialize`, or from the `MCP-Protocol-Version` header. */
  readonly protocolVersion: string | undefined;
  /** From `_meta` (2026-07-28), or from the parameters of `initialize`. */
  readonly capabilities: Record<string, unknown> | undefined;
  /** The bearer token of the request. */
  readonly token: string | undefined;
  readonly path: string;
  /** The HTTP status of the answer. `undefined` until the answer is sent. */
  status: number | undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads the messages of a POST body: a single one, or a batch (revision 2025-03-26). */
export function journalEntries(
  body: unknown,
  headers: IncomingHttpHeaders,
  token: string | undefined,
  path: string,
): JournalEntry[] {
  const header = headers['mcp-protocol-version'];
  const entries: JournalEntry[] = [];
  for (const candidate of Array.isArray(body) ? body : [body]) {
    const message = Message.safeParse(candidate);
    if (!message.success) continue;
    const { method, id, params } = message.data;
    const meta = params?._meta;
    const metaVersion = meta?.[META_PROTOCOL_VERSION];
    const metaCapabilities = meta?.[META_CLIENT_CAPABILITIES];
    entries.push({
      method: method ?? '(response)',
      id,
      tool: method === 'tools/call' ? params?.name : undefined,
      protocolVersion:
        (typeof metaVersion === 'string' ? metaVersion : undefined) ??
        params?.protocolVersion ??
        (typeof header === 'string' ? header : undefined),
      capabilities: isRecord(metaCapabilities) ? metaCapabilities : params?.capabilities,
      token,
      path,
      status: undefined,
    });
  }
  return entries;
}
