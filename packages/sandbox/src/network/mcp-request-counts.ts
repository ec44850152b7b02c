import type { RequestListener } from 'node:http';
import { pathOf } from './request-counts.ts';

/**
 * Numbers of requests that an MCP server has received since it started. The numbers are updated when a request arrives,
 * or when its response is sent.
 */
export interface McpRequestCounts {
  /** POST requests to the MCP endpoint: JSON-RPC messages. */
  readonly post: number;
  /** GET requests to the MCP endpoint: requests for an event stream. */
  readonly get: number;
  /** DELETE requests to the MCP endpoint: requests to end a session. */
  readonly delete: number;
  /** Requests for protected resource metadata (RFC 9728). */
  readonly metadata: number;
  /** Requests to any other path. */
  readonly other: number;
  /** All requests. */
  readonly total: number;
  /** Answers with status 401. */
  readonly unauthorized: number;
  /** Answers with status 403. */
  readonly forbidden: number;
  /** Answers with status 404 to a request that named a session. */
  readonly sessionNotFound: number;
  /** Tool calls that ran their tool. */
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
      // counted before the answer is sent, so that a client that has the answer sees it counted
      response.once('prefinish', () => {
        const counter = BY_STATUS.get(response.statusCode);
        if (counter !== undefined) counts[counter] += 1;
      });
    },
    onToolCall() {
      counts.toolCalls += 1;
    },
  };
}
