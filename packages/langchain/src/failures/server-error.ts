import { cleanLines } from '@credence/protocol';
import type { RpcError } from './fault.ts';

/** The maximum length of an error text of a server that the model gets, in UTF-16 code units. */
const MAX_ERROR_TEXT = 2_000;

/**
 * A JSON-RPC error that the server sent. The text is the server's, without control and invisible characters, and cut to
 * {@link MAX_ERROR_TEXT}. The name is that of the error of SDK v1, because mcp-adapters puts it before the text.
 */
export class ServerError extends Error {
  override readonly name = 'McpError';
  readonly fault: RpcError;

  constructor(fault: RpcError) {
    super(`MCP error ${fault.code}: ${cleanLines(fault.text, { max: MAX_ERROR_TEXT })}`);
    this.fault = fault;
  }
}
