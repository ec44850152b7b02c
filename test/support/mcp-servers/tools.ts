import { setTimeout as delay } from 'node:timers/promises';

/** The tools every fixture server has, and the scope each of them needs. */
export const TOOL_SCOPES = { echo: 'tools:read', write_note: 'tools:write', slow: 'tools:read' } as const;

export type ToolName = keyof typeof TOOL_SCOPES;

export interface ToolResult {
  [key: string]: unknown;
  content: { type: 'text'; text: string }[];
}

function text(value: string): ToolResult {
  return { content: [{ type: 'text', text: value }] };
}

/** What the tools do, and what they really did: a call that must never run is absent from `executed`. */
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

  /** Ends calls that are still waiting. */
  stop(): void {
    this.#stop.abort();
  }
}
