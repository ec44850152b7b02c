import type { RefusalArtifact } from '../refusals/artifact.ts';
import { isLasting, isOfOneTool } from '../refusals/kind.ts';
import type { ToolOrigin } from '../tools/origin.ts';

/** From this number on, entries that have expired are removed. */
const MANY = 1_000;

/** A tool, and the key of the principal that calls it. A refusal of one principal says nothing about another. */
export interface ToolOfPrincipal extends ToolOrigin {
  readonly principal?: string | undefined;
}

/** Remembers for a limited time which servers and tools refused a bot. */
export class RecentRefusals {
  readonly #durationMs: number;
  readonly #recent = new Map<string, { readonly untilMs: number; readonly refusal: RefusalArtifact }>();

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  add(tool: ToolOfPrincipal, refusal: RefusalArtifact): void {
    const { error } = refusal;
    if (this.#durationMs === 0 || !isLasting(error)) return;
    if (this.#recent.size >= MANY) for (const key of this.#recent.keys()) this.#at(key);
    const untilMs = performance.now() + this.#durationMs;
    this.#recent.set(isOfOneTool(error) ? toolKey(tool) : serverKey(tool), { untilMs, refusal });
  }

  /** The refusal because of which the tool is hidden now. */
  of(tool: ToolOfPrincipal): RefusalArtifact | undefined {
    return this.#at(serverKey(tool)) ?? this.#at(toolKey(tool));
  }

  #at(key: string): RefusalArtifact | undefined {
    const recent = this.#recent.get(key);
    if (recent === undefined || performance.now() < recent.untilMs) return recent?.refusal;
    this.#recent.delete(key);
    return undefined;
  }
}

function serverKey({ principal, server }: ToolOfPrincipal): string {
  return JSON.stringify([principal, server]);
}

function toolKey({ principal, server, tool }: ToolOfPrincipal): string {
  return JSON.stringify([principal, server, tool]);
}
