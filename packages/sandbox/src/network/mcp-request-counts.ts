import type { RequestListener } from 'node:http';
import { pathOf } from './request-counts.ts';

/** Requests an MCP server has received since it started. Live: it moves as requests arrive and are answered. */
export interface McpRequestCounts {
  /** Requests to the MCP endpoint, by method. */
  readonly post: number;
  /** GET requests to the MCP endpoint: event streams that clients asked for. */
  readonly get: number;
  /** DELETE requests to the MCP endpoint: sessions that were ended. */
  readonly delete: number;
  /** Protected resource metadata (RFC 9728). */
  readonly metadata: number;
  /** Requests to any other path. */
  readonly other: number;
  /** All requests. */
  readonly total: number;
  /** Answers with status 401 and 403, and 404 for a session that is not (or no longer) there. */
  readonly unauthorized: number;
  /** Answers with status 403. */
  readonly forbidden: number;
  /** Answers with status 404 to a request that named a session. */
  readonly sessionNotFound: number;
  /** Tool calls that reached their tool. */
  readonly toolCalls: number;
}

const BY_METHOD: ReadonlyMap<string, 'post' | 'get' | 'delete'> = new Map([
  ['POST', 'post'],
  ['GET', 'get'],
  ['DELETE', 'delete'],
]);
const BY_STATUS: ReadonlyMap<number, 'unauthorized' | 'forbidden' | 'sessionNotFound'> = new Map([
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'sessionNotFound'],
]);

export function countMcpRequests(mcpPath: string): {
  counts: McpRequestCounts;
  onRequest: RequestListener;
  onToolCall: () => void;
} {
  const counts = {
    post: 0,
    get: 0,
    delete: 0,
    metadata: 0,
    other: 0,
    total: 0,
    unauthorized: 0,
    forbidden: 0,
    sessionNotFound: 0,
    toolCalls: 0,
  };
  return {
    counts,
    onRequest(request, response) {
      const path = pathOf(request);
      const method = path === mcpPath ? BY_METHOD.get(request.method ?? '') : undefined;
      counts[method ?? (path.startsWith('/.well-known/') ? 'metadata' : 'other')] += 1;
      counts.total += 1;
      if (method === undefined) return;
      // Before the answer leaves, so that whoever has it finds it counted.
      response.once('prefinish', () => {
        const answered = BY_STATUS.get(response.statusCode);
        if (answered !== undefined) counts[answered] += 1;
      });
    },
    onToolCall() {
      counts.toolCalls += 1;
    },
  };
}
