import { setTimeout as delay } from 'node:timers/promises';

/** The tools of every MCP server for tests, and the scope that each tool needs. */
export const TOOL_SCOPES = { echo: 'tools:read', write_note: 'tools:write', slow: 'tools:read' } as const;

export type ToolName = keyof typeof TOOL_SCOPES;

export interface ToolResult {
  [key: string]: unknown;
  content: { type: 'text'; text: string }[];
}

function text(value: string): ToolResult {
  return { content: [{ type: 'text', text: value }] };
}

/** The implementation of the tools. `executed` records every call that ran. */
export class Workbench {
  readonly executed: { readonly tool: ToolName; readonly arguments: unknown }[] = [];
  readonly notes: string[] = [];
  readonly #stop = new AbortController();

  echo(args: { message: string }): ToolResult {
    this.executed.push({ tool: 'echo', arguments: args });
    return text(args.message);
  }

  writeNote(args: { text: string }): ToolResult {
    this.executed.push({ tool: 'write_note', arguments: args });
    this.notes.push(args.text);
    return text(`note ${this.notes.length} written`);
  }

  /** Answers after `ms` milliseconds. */
  async slow(args: { ms: number }): Promise<ToolResult> {
    this.executed.push({ tool: 'slow', arguments: args });
    await delay(args.ms, undefined, { signal: this.#stop.signal });
    return text(`waited ${args.ms} ms`);
  }

  /** Aborts calls of `slow` that are still waiting. */
  stop(): void {
    this.#stop.abort();
  }
}
