import { type ExpressErrorHandler, jsonErrorHandler, type RequestFault } from '@credence/protocol';

/** Options of {@link jsonRpcErrors}. */
export interface JsonRpcErrorsOptions {
  /** Gets each error that is not the client's, for your log. Default: none. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/** The codes and messages. -32700 and -32603 are those of JSON-RPC 2.0; the MCP SDKs use -32000 for a refused HTTP request. */
const ERRORS: Readonly<Record<RequestFault, { code: number; message: string }>> = {
  too_large: { code: -32_000, message: 'Payload Too Large: the body is larger than this server accepts' },
  malformed: { code: -32_700, message: 'Parse error: the body could not be read as JSON' },
  unsupported: { code: -32_000, message: 'Unsupported Media Type: the encoding of the body is not supported' },
  failure: { code: -32_603, message: 'Internal error' },
};

/**
 * An error handler for Express that answers with a JSON-RPC error: 413 for a body that is too large, 400 for one that is not
 * JSON, 500 for a failure. Add it after all routes. Without it, Express answers with an HTML page, which in development
 * contains the stack of the error.
 */
export function jsonRpcErrors(options: JsonRpcErrorsOptions = {}): ExpressErrorHandler {
  return jsonErrorHandler((fault) => jsonRpcError(ERRORS[fault].code, ERRORS[fault].message), options.onFailure);
}

/** The body of a JSON-RPC error response to a request whose id is not known. */
export function jsonRpcError(code: number, message: string): object {
  return { jsonrpc: '2.0', error: { code, message }, id: null };
}
