import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What the run of a tool call has in `metadata.credence_call`, for tracers and callback handlers. While the run starts, the token is
 * the last one that was used for the server. When the call has been sent, it is the one of this call: the members of the object change.
 */
export interface ToolCallTrace {
  /** The configured name of the server. */
  server: string;
  /** The name of the tool at that server. */
  tool: string;
  /** The scopes of the access token. */
  scopes: readonly string[];
  /** How long ago the access token was issued, in milliseconds. */
  tokenAgeMs: number;
}

const running = new AsyncLocalStorage<ToolCallTrace>();

/** The trace of the tool call in whose asynchronous context this function is called. */
export function runningTrace(): ToolCallTrace | undefined {
  return running.getStore();
}

/** Runs a tool call with its trace. */
export async function withTrace<T>(trace: ToolCallTrace, call: () => Promise<T>): Promise<T> {
  return running.run(trace, call);
}
