import { setMaxListeners } from 'node:events';

/** Above this number, references to signals that no longer exist are removed. */
const SWEEP_ABOVE = 100;

/**
 * The signals of the calls under way, which end when the principal is closed. A transport uses one signal for all its calls, so a
 * signal that follows it is made once. Calls without a signal share one.
 */
export class OpenCalls {
  readonly #closing = new AbortController();
  readonly #followers = new WeakMap<AbortSignal, AbortController>();
  #open: WeakRef<AbortController>[] = [];
  #sweepAbove = SWEEP_ABOVE;

  constructor() {
    // Each call adds a listener, which is removed when its request is collected.
    setMaxListeners(0, this.#closing.signal);
  }

  /** A signal that is aborted with the caller's, or when the principal is closed. */
  signalFor(caller: AbortSignal | null | undefined): AbortSignal {
    if (!caller) return this.#closing.signal;
    if (caller.aborted || this.#closing.signal.aborted) return caller.aborted ? caller : this.#closing.signal;
    const known = this.#followers.get(caller);
    if (known) return known.signal;
    const follower = new AbortController();
    setMaxListeners(0, follower.signal);
    // The caller's signal keeps its follower, and nothing here keeps the caller's signal.
    caller.addEventListener('abort', () => follower.abort(caller.reason), { once: true });
    this.#followers.set(caller, follower);
    this.#open.push(new WeakRef(follower));
    if (this.#open.length > this.#sweepAbove) this.#sweep();
    return follower.signal;
  }

  close(reason: Error): void {
    this.#closing.abort(reason);
    for (const reference of this.#open) reference.deref()?.abort(reason);
    this.#open = [];
  }

  #sweep(): void {
    this.#open = this.#open.filter((reference) => reference.deref() !== undefined);
    this.#sweepAbove = Math.max(SWEEP_ABOVE, this.#open.length * 2);
  }
}
