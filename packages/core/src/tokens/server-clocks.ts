import { lruCache } from '@credence/protocol';
import type { Clock } from '../time/clock.ts';

const MAX_NAMES = 1_000;
const LONGEST_LEAD_MS = 300_000;
/** The Date header has whole seconds, cut off. */
const DATE_PRECISION_MS = 999;

/**
 * How far the clock of an MCP server is ahead of the clock of its authorization server, as far as their Date headers have shown it.
 * Such a server refuses a token before its lifetime has passed, so its tokens end earlier for us.
 */
export class ServerClocks {
  readonly #clock: Clock;
  readonly #issuerLeads = lruCache<{ ms: number }>(MAX_NAMES);
  readonly #serverLeads = lruCache<{ ms: number }>(MAX_NAMES);
  /** The servers with one refusal that can also have another reason, because Date headers have whole seconds. */
  readonly #suspected = lruCache<true>(MAX_NAMES);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Records the Date header of the response with a token, in milliseconds since the epoch. */
  issued(issuer: string, peerTimeMs: number | undefined): void {
    if (peerTimeMs !== undefined) this.#issuerLeads.set(issuer, { ms: peerTimeMs - this.#clock.wallMs() });
  }

  /**
   * Records that a server refused a token that it had accepted before. `serverTimeMs` is the Date header of the refusal. The lead is
   * recorded if the token has expired by the server's clock and not by ours. If the Date headers are too coarse to show that the two
   * clocks differ, as after a revocation in the last two seconds of a token, it is recorded at the second such refusal.
   */
  refused(token: { server: string; issuer: string; expiresAt: Date }, serverTimeMs: number | undefined): void {
    const wallMs = this.#clock.wallMs();
    const endMs = token.expiresAt.getTime();
    // A token that ended on its way to the server says nothing about clocks.
    if (serverTimeMs === undefined || wallMs >= endMs) return;
    const issuerLeadMs = this.#issuerLeads.get(token.issuer)?.ms ?? 0;
    const latestMs = serverTimeMs + DATE_PRECISION_MS - issuerLeadMs;
    const earliestMs = serverTimeMs - DATE_PRECISION_MS - issuerLeadMs;
    if (latestMs < endMs || latestMs <= wallMs) return;
    const isAhead = earliestMs > wallMs;
    if (!isAhead && !this.#suspected.has(token.server)) {
      this.#suspected.set(token.server, true);
      return;
    }
    this.#suspected.delete(token.server);
    this.#serverLeads.set(token.server, { ms: Math.min(latestMs - wallMs, LONGEST_LEAD_MS) });
  }

  /** The part of a lifetime in which the server accepts the token, in milliseconds: at least half of the lifetime. */
  usefulLifetimeMs(server: string, lifetimeMs: number): number {
    return Math.max(lifetimeMs - (this.#serverLeads.get(server)?.ms ?? 0), lifetimeMs / 2);
  }
}
