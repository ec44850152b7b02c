import type { RefusalArtifact } from '../refusals/artifact.ts';
import type { ToolOrigin } from '../tools/origin.ts';

/** Codes of refusals for one call or one tool, not for the whole server. */
const TOOL_REFUSALS = new Set([
  'insufficient_scope',
  'forbidden',
  'scope_not_granted',
  'scope_outside_ceiling',
  'tool_removed',
]);
/** Codes of failures that are not refusals: they are temporary, or the caller caused them. */
const NOT_REFUSALS = new Set(['cancelled', 'timeout', 'closed', 'unreachable', 'rate_limited', 'peer_unavailable']);

/** Remembers for a limited time which servers and tools refused the bot. */
export class RecentRefusals {
  readonly #durationMs: number;
  readonly #untilMs = new Map<string, number>();

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  add(origin: ToolOrigin, { error: { code, retryable } }: RefusalArtifact): void {
    if (this.#durationMs === 0 || retryable || NOT_REFUSALS.has(code)) return;
    this.#untilMs.set(
      TOOL_REFUSALS.has(code) ? toolKey(origin) : serverKey(origin),
      performance.now() + this.#durationMs,
    );
  }

  has(origin: ToolOrigin): boolean {
    return this.#isRefused(serverKey(origin)) || this.#isRefused(toolKey(origin));
  }

  #isRefused(key: string): boolean {
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (performance.now() < untilMs) return true;
    this.#untilMs.delete(key);
    return false;
  }
}

function serverKey({ server }: ToolOrigin): string {
  return JSON.stringify([server]);
}

function toolKey({ server, tool }: ToolOrigin): string {
  return JSON.stringify([server, tool]);
}
