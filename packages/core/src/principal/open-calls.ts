import { setMaxListeners } from 'node:events';

/** Above this number, references to signals that no longer exist are removed. */
const SWEEP_ABOVE = 100;

/**
 * The calls and event streams that end when the principal is closed. A call with a signal of its caller is aborted. For a call without
 * one the caller gets the error and the response is discarded when it arrives: a signal of our own would make each call
 * several microseconds slower.
 */
export class OpenCalls {
  /** By the signal of a caller, the one that follows it. A transport uses one signal for all its calls. */
  readonly #followers = new WeakMap<AbortSignal, AbortController>();
  readonly #endings = new Set<(reason: Error) => void>();
  #open: WeakRef<AbortController>[] = [];
  #sweepAbove = SWEEP_ABOVE;
  #reason: Error | undefined;

  /** A signal that aborts with the caller's, or when the principal is closed. */
  signalFor(caller: AbortSignal): AbortSignal {
    if (caller.aborted) return caller;
    if (this.#reason) return AbortSignal.abort(this.#reason);
    const known = this.#followers.get(caller);
    if (known) return known.signal;
    const follower = new AbortController();
    // Each request adds a listener, which is removed when the request is collected. With the limit 0, Node.js 20 throws in
    // `getMaxListeners`, which undici calls.
    setMaxListeners(Infinity, follower.signal);
    // The caller's signal keeps its follower, and nothing here keeps the caller's signal.
    caller.addEventListener('abort', () => follower.abort(caller.reason), { once: true });
    this.#followers.set(caller, follower);
    this.#open.push(new WeakRef(follower));
    if (this.#open.length > this.#sweepAbove) this.#sweep();
    return follower.signal;
  }

  /** The response of a call without a signal. Rejects when the principal is closed. */
  async untilClose(sending: Promise<Response>): Promise<Response> {
    let end: (reason: Error) => void = () => undefined;
    const closed = new Promise<never>((_resolve, reject) => {
      end = reject;
    });
    this.#endings.add(end);
    try {
      return await Promise.race([sending, closed]);
    } finally {
      this.#endings.delete(end);
      if (this.#reason) sending.then(cancelBody, () => undefined);
    }
  }

  /** Calls `end` when the principal is closed. Returns a function that ends the wait. */
  readonly whenClosed = (end: (reason: Error) => void): (() => void) => {
    if (this.#reason) end(this.#reason);
    else this.#endings.add(end);
    return () => void this.#endings.delete(end);
  };

  close(reason: Error): void {
    this.#reason = reason;
    for (const end of this.#endings) end(reason);
    for (const reference of this.#open) reference.deref()?.abort(reason);
    this.#endings.clear();
    this.#open = [];
  }

  #sweep(): void {
    this.#open = this.#open.filter((reference) => reference.deref() !== undefined);
    this.#sweepAbove = Math.max(SWEEP_ABOVE, this.#open.length * 2);
  }
}

async function cancelBody({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => undefined);
}
