import { RefreshingCache } from '../cache/refreshing-cache.ts';
import { isCredenceError } from '../errors/credence-error.ts';
import { mayPass } from '../errors/may-pass.ts';
import { systemClock } from '../time/clock.ts';
import type { WorkloadTokenSource } from './workload-token-source.ts';
import { untilReadable } from './until-readable.ts';
import { isReplacedFile, noAnswer, usefulSeconds, type WorkloadToken, workloadToken } from './workload-token.ts';

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

  /** `signal` ends the wait for a file that cannot be read. Another platform has ten seconds. */
  async get(audience: string, signal?: AbortSignal): Promise<string> {
    const isFile = isReplacedFile(this.#source);
    const fileSignal = isFile ? signal : undefined;
    const fetchToken = async (usable: string | undefined) => {
      const limit = fileSignal ?? AbortSignal.timeout(TIMEOUT_MS);
      const read = () => this.#read(audience, limit);
      const token = await (isFile && usable === undefined ? untilReadable(read, limit) : read());
      const nowMs = systemClock.monotonicMs();
      const usableUntilMs = nowMs + (token.expiresInSeconds ?? 0) * 1_000;
      return { value: token.token, goodUntilMs: nowMs + usefulSeconds(token) * 1_000, usableUntilMs };
    };
    const { value } = await this.#cache.get(audience, fetchToken, fileSignal);
    return value;
  }

  async #read(audience: string, signal: AbortSignal): Promise<WorkloadToken> {
    try {
      return await workloadToken(this.#source, { audience, signal }, () => systemClock.wallMs());
    } catch (error) {
      // A CredenceError lets the last token be used.
      throw isCredenceError(error) ? error : noAnswer(this.#source, error);
    }
  }
}
