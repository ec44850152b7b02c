import { RefreshingCache } from '../cache/refreshing-cache.ts';
import { mayPass } from '../errors/may-pass.ts';
import { systemClock } from '../time/clock.ts';
import type { WorkloadTokenSource } from './workload-token-source.ts';
import { usefulSeconds, workloadToken } from './workload-token.ts';

const MAX_AUDIENCES = 100;
/** The longest wait for a platform, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** The tokens of a platform that are client assertions, one for each audience. */
export class WorkloadTokenCache {
  readonly #source: WorkloadTokenSource;
  readonly #cache = new RefreshingCache<string>(systemClock, MAX_AUDIENCES, mayPass);

  constructor(source: WorkloadTokenSource) {
    this.#source = source;
  }

  async get(audience: string): Promise<string> {
    const { value } = await this.#cache.get(audience, async () => {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const token = await workloadToken(this.#source, { audience, signal }, () => systemClock.wallMs());
      const nowMs = systemClock.monotonicMs();
      const usableUntilMs = nowMs + (token.expiresInSeconds ?? 0) * 1_000;
      return { value: token.token, goodUntilMs: nowMs + usefulSeconds(token) * 1_000, usableUntilMs };
    });
    return value;
  }
}
