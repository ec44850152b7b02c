import type { IncomingHttpHeaders } from 'node:http';
import type { JournalEntry } from './journal.ts';
import type { VerifyToken } from './tokens.ts';

/** The behaviour of the server. A test can change every member while the server runs. */
export interface Behaviour {
  /** The delay of each answer in milliseconds, also of metadata. */
  latencyMs: number;
  /** Answers every request to the MCP endpoint with 401, also with a valid token. */
  alwaysUnauthorized: boolean;
  /** `authorization_servers` of the protected resource metadata. */
  issuers: readonly string[];
  /** `scopes_supported` of the protected resource metadata. `undefined`: the member is omitted. */
  scopesSupported: readonly string[] | undefined;
  /** `resource` of the metadata. `undefined`: the URL of the server. */
  resource: string | undefined;
  /** `scope` of the 401 challenge. `undefined`: the member is omitted. */
  unauthorizedScope: string | undefined;
  /** `scope` of the 403 challenge. `undefined`: the scope that the tool needs. Ignored by v2 servers, where the SDK sends the challenge. */
  insufficientScope: string | undefined;
}

export interface FixtureOptions extends Partial<Behaviour> {
  readonly verify: VerifyToken;
}

export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  status: number | undefined;
}

/** The number of answers with each status. Every 2xx counts as 200. */
export interface StatusCounts {
  200: number;
  401: number;
  403: number;
}

/** A running MCP server for tests. */
export interface McpFixture {
  /** The MCP endpoint, which is also the resource identifier. */
  readonly url: string;
  readonly origin: string;
  readonly behaviour: Behaviour;
  /** All HTTP requests, also for metadata. */
  readonly requests: readonly RecordedRequest[];
  /** All JSON-RPC messages that arrived. */
  readonly journal: readonly JournalEntry[];
  /** The number of answers with each status, for a JSON-RPC method or for `'GET'` and `'DELETE'` on the endpoint. */
  count(method: string): Readonly<StatusCounts>;
  /** The number of answers with each status, for all methods. */
  total(): Readonly<StatusCounts>;
  /** Redirects the next request to the endpoint. `location` may be relative (see `movedPath`). */
  redirectOnce(redirect: { readonly status: 301 | 302 | 303 | 307 | 308; readonly location: string }): void;
  /** Another path of the same origin that serves the same MCP endpoint, as the target of a redirect. */
  readonly movedPath: string;
  close(): Promise<void>;
}
