/** Tells the user that a server of theirs failed: the client gets only an internal error. */
export function warnOfFailure(server: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.emitWarning(`The MCP server "${server}" failed: ${message}`, { type: 'SandboxWarning' });
}
