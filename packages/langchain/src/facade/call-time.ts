import { CredenceError } from '@credence/core';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import { throttledProgress } from './progress.ts';

/** The time of a call without options: the limits are those of the SDK. */
export const DEFAULT_CALL_TIME: CallTime = {
  timeoutMs: undefined,
  resetTimeoutOnProgress: false,
  maxTotalTimeoutMs: undefined,
};

/** How long a call of a tool may take. */
export interface CallTime {
  /** The time limit of a call that sets none, in milliseconds. Undefined: that of the SDK. */
  readonly timeoutMs: number | undefined;
  /** Whether each progress notification of the server starts the time limit again. */
  readonly resetTimeoutOnProgress: boolean;
  /** The limit for the whole call, in milliseconds, however much progress the server reports. */
  readonly maxTotalTimeoutMs: number | undefined;
}

/**
 * Runs a call within its time. The total limit is not left to the SDKs: they look at it only when progress arrives, and then do not
 * cancel the call at the server.
 */
export async function inTime<T>(
  server: string,
  { timeoutMs, resetTimeoutOnProgress, maxTotalTimeoutMs }: CallTime,
  options: RequestOptions | undefined,
  call: (options: RequestOptions | undefined) => Promise<T>,
): Promise<T> {
  const progress = options?.onprogress || resetTimeoutOnProgress ? throttledProgress(options?.onprogress) : undefined;
  const stop = maxTotalTimeoutMs === undefined ? undefined : new TotalTime(server, maxTotalTimeoutMs, options?.signal);
  const timeout = options?.timeout ?? timeoutMs;
  try {
    return await call({
      ...options,
      ...(timeout !== undefined && { timeout }),
      // The server sends progress only if the request has a token, and the SDKs add one only for a listener.
      ...(progress && { onprogress: progress.listener, resetTimeoutOnProgress }),
      ...(stop && { signal: stop.signal }),
    });
  } finally {
    progress?.end();
    stop?.end();
  }
}

/** A signal that aborts with that of the caller, or after the total time. Each call has its own, because SDK v1 never removes its listener. */
class TotalTime {
  readonly #stop = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #abort = () => this.#stop.abort(this.#caller?.reason);

  constructor(server: string, ms: number, caller: AbortSignal | undefined) {
    caller?.throwIfAborted();
    this.#caller = caller;
    this.#timer = setTimeout(() => this.#stop.abort(totalTimeOver(server, ms)), ms);
    caller?.addEventListener('abort', this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#abort);
  }
}

function totalTimeOver(server: string, ms: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'call',
    message: `Server "${server}" did not finish the call within ${ms} milliseconds in total. The call was cancelled.`,
    remedy:
      'The call may or may not have run. Check whether it had an effect before you repeat it. If it is meant to take so long, raise maxTotalTimeoutMs of loadTools.',
    contact: 'server-owner',
    server,
  });
}
