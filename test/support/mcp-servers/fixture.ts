import type { IncomingHttpHeaders } from 'node:http';
import type { JournalEntry } from './journal.ts';
import type { VerifyToken } from './tokens.ts';

/** How the server behaves; every field can be changed while it runs. */
export interface Behaviour {
  /** Milliseconds before each answer, metadata included. */
  latencyMs: number;
  /** Every request to the MCP endpoint is a 401, whatever its token. */
  alwaysUnauthorized: boolean;
  /** `authorization_servers` of the protected resource metadata. */
  issuers: readonly string[];
  /** `scopes_supported` of the protected resource metadata; `undefined` leaves it out. */
  scopesSupported: readonly string[] | undefined;
  /** `resource` of the metadata, where it must not be the server's own URL. */
  resource: string | undefined;
  /** `scope` of the 401 challenge; `undefined` leaves it out. */
  unauthorizedScope: string | undefined;
  /** `scope` of the 403 challenge; `undefined` names what the tool needs. Has no effect on the v2 servers, whose SDK words it. */
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

/** Answers by status; any 2xx counts as 200. */
export interface StatusCounts {
  200: number;
  401: number;
  403: number;
}

/** A running fixture server. */
export interface McpFixture {
  /** The MCP endpoint, which is also the resource identifier. */
  readonly url: string;
  readonly origin: string;
  readonly behaviour: Behaviour;
  /** Every HTTP request, metadata included. */
  readonly requests: readonly RecordedRequest[];
  /** Every JSON-RPC message that arrived. */
  readonly journal: readonly JournalEntry[];
  /** Answers by status for one JSON-RPC method, or for `'GET'` and `'DELETE'` on the endpoint. */
  count(method: string): Readonly<StatusCounts>;
  /** Answers by status over all methods. */
  total(): Readonly<StatusCounts>;
  /** The next request to the endpoint is redirected; `location` may be relative (see `movedPath`). */
  redirectOnce(redirect: { readonly status: 301 | 302 | 303 | 307 | 308; readonly location: string }): void;
  /** A path of the same origin that serves the same MCP endpoint: the target of a harmless redirect. */
  readonly movedPath: string;
  close(): Promise<void>;
}
