import { cleanLines } from '@credence/protocol';

/** The maximum length of an error text of a server that the model gets, in UTF-16 code units. */
export const MAX_ERROR_TEXT = 2_000;

/**
 * A JSON-RPC error that the server sent. The text is the server's, without control and invisible characters, and cut to
 * {@link MAX_ERROR_TEXT}. The name is that of the error of SDK v1, because mcp-adapters puts it before the text.
 */
export class ServerError extends Error {
  override readonly name = 'McpError';
  /** The code of the JSON-RPC error, which the server chose. */
  readonly code: number;
  /** The text of the server. */
  readonly text: string;

  constructor({ code, text }: { readonly code: number; readonly text: string }) {
    const clean = cleanLines(text, { max: MAX_ERROR_TEXT });
    super(`MCP error ${code}: ${clean}`);
    this.code = code;
    this.text = clean;
  }
}
