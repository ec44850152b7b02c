import type { RefusalArtifact } from '../refusals/artifact.ts';
import type { ToolOrigin } from '../tools/origin.ts';

/** Codes of refusals for one call or one tool, not for the whole server. */
const OF_ONE_TOOL = new Set(['insufficient_scope', 'forbidden', 'scope_not_granted', 'scope_outside_ceiling']);
/** Codes of failures that are not refusals: they are temporary, or the caller caused them. */
const PASSING = new Set(['cancelled', 'timeout', 'closed', 'unreachable', 'rate_limited', 'peer_unavailable']);

/** Remembers for a limited time which servers and tools refused the bot. */
export class RefusedLately {
  readonly #forMs: number;
  readonly #untilMs = new Map<string, number>();

  constructor(forMs: number) {
    this.#forMs = forMs;
  }

  note(origin: ToolOrigin, { error: { code, retryable } }: RefusalArtifact): void {
    if (this.#forMs === 0 || retryable || PASSING.has(code)) return;
    this.#untilMs.set(OF_ONE_TOOL.has(code) ? toolKey(origin) : origin.server, performance.now() + this.#forMs);
  }

  has(origin: ToolOrigin): boolean {
    return this.#lasts(origin.server) || this.#lasts(toolKey(origin));
  }

  #lasts(key: string): boolean {
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (performance.now() < untilMs) return true;
    this.#untilMs.delete(key);
    return false;
  }
}

function toolKey({ server, tool }: ToolOrigin): string {
  return JSON.stringify([server, tool]);
}
