import { ERROR_CODES } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';
import { callKey, cancellation } from './json-rpc.ts';

/**
 * The calls that wait for their token. The SDKs do not abort `fetch` when a request is cancelled or times out. The SDKs
 * send the message `notifications/cancelled`. Without this class the cancelled call would be sent later with its token.
 */
export class WaitingCalls {
  /** The bodies are parsed only when a cancellation comes, because many calls wait and few are cancelled. */
  readonly #waiting = new Map<AbortController, RequestInit>();

  /** Calls `wait` with a signal that aborts when the caller's signal aborts or when the call is cancelled. */
  async during<T>(init: RequestInit, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const caller = init.signal ?? undefined;
    caller?.throwIfAborted();
    const controller = new AbortController();
    const stop = () => controller.abort(caller?.reason);
    caller?.addEventListener('abort', stop, { once: true });
    this.#waiting.set(controller, init);
    try {
      return await wait(controller.signal);
    } finally {
      caller?.removeEventListener('abort', stop);
      this.#waiting.delete(controller);
    }
  }

  /** If `init` cancels a waiting call, that call ends, the result is true and the cancellation need not be sent to the server. */
  cancel(init: RequestInit, server: string): boolean {
    if (this.#waiting.size === 0) return false;
    const cancels = cancellation(init);
    if (!cancels) return false;
    const call = [...this.#waiting].find(([, waiting]) => callKey(waiting) === cancels.key);
    call?.[0].abort(cancelled(server));
    return call !== undefined;
  }
}

function cancelled(server: string): CredenceError {
  return new CredenceError({
    code: 'cancelled',
    leg: 'call',
    message: `A call to server "${server}" was cancelled while it waited for its token; it was never sent.`,
    remedy: ERROR_CODES.cancelled.remedy,
    contact: 'you',
    server,
  });
}
