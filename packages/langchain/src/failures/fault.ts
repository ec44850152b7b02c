import { isJsonObject, parseJsonObject } from '@credence/protocol';

/** The words of servers for a session that they do not know. They only decide whether a new session is tried. */
const ABOUT_SESSIONS = /session|not initialized|initialization|expect initialize/iu;

/** The longest error body that is read, in UTF-16 code units. */
const MAX_READ = 65_536;

/** Why a request has no result: a fault of the connection, or an error of the server. */
export type Fault =
  | HttpFault
  | { readonly kind: 'session-lost' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'closed' }
  /** The result of the server has not the members of MCP, and the SDK cannot read it. */
  | { readonly kind: 'invalid-result' }
  /** The server asks for an answer of this client, which it did not offer (SDK v2, revision 2026-07-28). */
  | { readonly kind: 'no-answer' }
  | RpcError;

/** An HTTP error status. */
export interface HttpFault {
  readonly kind: 'http';
  readonly status: number;
  /** The JSON-RPC error in the body, if there is one. */
  readonly rpc?: Omit<RpcError, 'kind'> | undefined;
}

/** A JSON-RPC error that the server sent, whatever its code is. The connection works. */
export interface RpcError {
  readonly kind: 'rpc-error';
  readonly code: number;
  /** The text of the server. */
  readonly text: string;
}

/**
 * The fault of an HTTP status. `text` is the message of the SDK, which ends with the body. A server that has forgotten a session answers 404, or 410. Many servers follow the examples of the SDK
 * and answer 400, or 422, with a text about the session. Without a session these statuses have no such meaning.
 */
export function httpFault(status: number, text: string, hadSession: boolean): Fault {
  const lost =
    status === 404 || status === 410 || ([400, 422].includes(status) && ABOUT_SESSIONS.test(text.slice(0, 2_000)));
  return hadSession && lost ? { kind: 'session-lost' } : { kind: 'http', status, rpc: rpcErrorIn(text) };
}

/**
 * The fault of a message that an HTTP+SSE server did not take. Both SDKs throw a plain Error, whose message has the status and the body.
 */
export function postFault(error: unknown, hadSession: boolean): Fault | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, status] = /^Error POSTing to endpoint \(HTTP (\d{3})\): /u.exec(error.message) ?? [];
  return status === undefined ? undefined : httpFault(Number(status), error.message, hadSession);
}

/** The JSON-RPC error at the end of a message of an SDK. */
function rpcErrorIn(text: string): HttpFault['rpc'] {
  const start = text.indexOf('{');
  if (start === -1 || text.length > MAX_READ) return undefined;
  const error = parseJsonObject(text.slice(start))?.['error'];
  if (!isJsonObject(error)) return undefined;
  const { code, message } = error;
  return typeof code === 'number' && Number.isInteger(code)
    ? { code, text: typeof message === 'string' ? message : '' }
    : undefined;
}

/**
 * Whether the request to a known session may have failed because the session is gone. A gateway whose server was replaced answers
 * so, and servers that throw for an unknown session id, or that answer 200 with a JSON-RPC error about the session.
 */
export function mayHaveLostSession(fault: Fault): boolean {
  if (fault.kind === 'rpc-error') return ABOUT_SESSIONS.test(fault.text.slice(0, 2_000));
  return fault.kind === 'http' && [500, 502, 503].includes(fault.status);
}
