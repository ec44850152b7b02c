import type { RefusalArtifact } from '../refusals/artifact.ts';
import { isLasting, isOfOneTool } from '../refusals/kind.ts';
import type { ToolOrigin } from '../tools/origin.ts';

/** Remembers for a limited time which servers and tools refused a bot. */
export class RecentRefusals {
  readonly #durationMs: number;
  readonly #recent = new Map<string, { readonly untilMs: number; readonly refusal: RefusalArtifact }>();

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  add(origin: ToolOrigin, refusal: RefusalArtifact): void {
    const { error } = refusal;
    if (this.#durationMs === 0 || !isLasting(error)) return;
    const untilMs = performance.now() + this.#durationMs;
    this.#recent.set(isOfOneTool(error) ? toolKey(origin) : serverKey(origin), { untilMs, refusal });
  }

  /** The refusal because of which the tool is hidden now. */
  of(origin: ToolOrigin): RefusalArtifact | undefined {
    return this.#at(serverKey(origin)) ?? this.#at(toolKey(origin));
  }

  #at(key: string): RefusalArtifact | undefined {
    const recent = this.#recent.get(key);
    if (recent === undefined || performance.now() < recent.untilMs) return recent?.refusal;
    this.#recent.delete(key);
    return undefined;
  }
}

function serverKey({ server }: ToolOrigin): string {
  return JSON.stringify([server]);
}

function toolKey({ server, tool }: ToolOrigin): string {
  return JSON.stringify([server, tool]);
}
