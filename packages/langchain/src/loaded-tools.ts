import type { DynamicStructuredTool } from '@langchain/core/tools';
import type { LoadedContent } from './content/content.ts';
import type { ServerFailure } from './failures/failed-server.ts';

export type { ServerFailure };

/** How the set of tools has changed: one server was reached, or has another list. */
export interface ToolsChange {
  /** The configured name of the server. */
  readonly server: string;
  /** The tools that are new, or that are there again. */
  readonly joined: readonly DynamicStructuredTool[];
  /** The tools with another description or schema. They are the same objects as before. */
  readonly changed: readonly DynamicStructuredTool[];
  /** The tools that the server does not list any more. A call of them throws, until they are there again. */
  readonly left: readonly DynamicStructuredTool[];
  /** The failures of all servers after the change. */
  readonly failures: readonly ServerFailure[];
}

/** The result of `loadTools`: the tools of the servers, which can change over time. */
export interface LoadedTools extends LoadedContent, AsyncDisposable {
  /**
   * The present tools of all servers, named `<server>__<tool>`, in the order of `servers`. Each read returns a new array, which does
   * not change later. A tool remains the same object for as long as the tools are not closed, also if its server is away for a while.
   */
  readonly tools: DynamicStructuredTool[];
  /**
   * The present tools of these servers, or of all. The parameters are those of mcp-adapters' `MultiServerMCPClient.getTools`: names or
   * URLs one by one, or in an array. Throws `unknown_server` for a server that is not one of these tools.
   */
  readonly getTools: (
    ...servers: readonly (string | URL)[] | [readonly (string | URL)[]]
  ) => Promise<DynamicStructuredTool[]>;
  /** The servers whose tools are missing at present, or some of them. A server has an entry for each reason. */
  readonly failures: ServerFailure[];
  /**
   * The present failures as a text for the system prompt of a model: which servers are missing, why, and who can help. An empty
   * text if there are none. The text contains no text of a server or an IdP.
   */
  readonly failuresAsText: () => string;
  /**
   * Tries missing servers again and reads all lists of tools again, now. Resolves when this is done. A server that fails is listed in
   * `failures`. Throws `unknown_server` for a server that is not one of these tools, and `closed` after `close()`.
   *
   * @param servers configured names or URLs; default: all servers of these tools
   */
  readonly reload: (servers?: readonly (string | URL)[]) => Promise<void>;
  /** Closes every connection. The tools fail afterwards. Idempotent. Never throws. */
  readonly close: () => Promise<void>;
}
