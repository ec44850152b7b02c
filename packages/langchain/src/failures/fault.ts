/** Why a request has no result: a fault of the connection, or an error of the server. */
export type Fault =
  | { readonly kind: 'http'; readonly status: number }
  | { readonly kind: 'session-lost' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'closed' }
  | RpcError;

/** A JSON-RPC error that the server sent, whatever its code is. The connection works. */
export interface RpcError {
  readonly kind: 'rpc-error';
  readonly code: number;
  /** The text of the server. */
  readonly text: string;
}

/**
 * The fault of an HTTP status. A server that has forgotten a session answers 404, or 410. Many servers follow the examples of the SDK
 * and answer 400 with a text about the session. Without a session these statuses have no such meaning.
 */
export function httpFault(status: number, text: string, hadSession: boolean): Fault {
  const lost =
    status === 404 || status === 410 || (status === 400 && /session|not initialized/iu.test(text.slice(0, 2_000)));
  return hadSession && lost ? { kind: 'session-lost' } : { kind: 'http', status };
}

/**
 * Whether the request to a known session may have failed because the session is gone. A gateway whose server was replaced answers
 * so, and servers that throw for an unknown session id.
 */
export function mayHaveLostSession(fault: Fault): boolean {
  return fault.kind === 'http' && [500, 502, 503].includes(fault.status);
}
