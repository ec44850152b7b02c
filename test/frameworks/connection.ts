import type { ServicePrincipal } from '@credence/core';

/** A connection of a framework to one MCP server, as its user has it. */
export interface Connection {
  /** Calls a tool, and returns the text of its result. Rejects with the error that the framework's user gets. */
  call(tool: string, args?: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

/** One way to give a bot to a framework. */
export interface Way {
  /** The name of the published package, to find its version. */
  readonly package: string;
  /** What is passed to the framework, as the documentation names it. */
  readonly passes: string;
  /** Connects the framework to one server of the bot. */
  connect(bot: ServicePrincipal, server: string): Promise<Connection>;
}

/** The text of a result of MCP, or of the structured content that a framework returns instead. Throws the text of an error. */
export function textOf(result: unknown): string {
  if (typeof result !== 'object' || result === null) throw new Error(`no result: ${String(result)}`);
  const { content, isError } = result as { content?: unknown; isError?: boolean };
  if (!Array.isArray(content)) return JSON.stringify(result);
  const text = content.map((item: { text?: string }) => item.text ?? '').join('\n');
  if (isError === true) throw new Error(text);
  return text;
}
