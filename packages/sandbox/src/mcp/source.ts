import type { SandboxAuthInfo } from '../world/server.ts';
import type { Request, Response } from 'express';

/** A request with a verified access token and a parsed body. */
export type VerifiedRequest = Request & { auth?: SandboxAuthInfo };

/** What answers the requests of an MCP server after the gate. */
export interface McpSource {
  /** The scopes of each tool. Undefined: the gate does not check the scopes of tools. */
  readonly toolScopes: Readonly<Record<string, readonly string[]>> | undefined;
  /** Whether the tools count their calls themselves. Otherwise the gate counts the calls that it lets through. */
  readonly countsToolCalls: boolean;
  handle(request: VerifiedRequest, response: Response): Promise<void>;
  /** Ends all sessions and streams. Returns the number of sessions, or undefined if only the gate knows them. */
  drop(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** The members of a source that hold nothing between two requests: their open responses are all that `drop` ends. */
export function perRequest(
  answer: (request: VerifiedRequest, response: Response) => Promise<void>,
): Pick<McpSource, 'handle' | 'drop'> {
  const open = new Set<Response>();
  return {
    async handle(request, response) {
      open.add(response);
      response.once('close', () => open.delete(response));
      await answer(request, response);
    },
    async drop() {
      for (const response of open) response.destroy();
      return undefined;
    },
  };
}
