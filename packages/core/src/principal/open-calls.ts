import { setMaxListeners } from 'node:events';

/** Above this number, references to signals that no longer exist are removed. */
const SWEEP_ABOVE = 100;

/** A call under way. */
export interface OpenCall {
  /** Aborted with the signal of the caller, or when the principal is closed. */
  readonly signal: AbortSignal;
  /** The call has ended. An event stream that it returned still ends with the principal; another body is the caller's. */
  end(response: Response | undefined): void;
}

/** The calls and event streams that end when the principal is closed. */
export class OpenCalls {
  /** By the signal of a caller, the one that follows it. A transport uses one signal for all its calls. */
  readonly #followers = new WeakMap<AbortSignal, OpenCall & { readonly controller: AbortController }>();
  /** The calls without a signal of the caller that have no response yet. */
  readonly #waiting = new Set<AbortController>();
  /** Keeps the controller of an event stream as long as its response. */
  readonly #streams = new WeakMap<Response, AbortController>();
  #open: WeakRef<AbortController>[] = [];
  #sweepAbove = SWEEP_ABOVE;
  #reason: Error | undefined;

  begin(caller: AbortSignal | null | undefined): OpenCall {
    return caller && !caller.aborted ? this.#following(caller) : this.#alone(caller ?? undefined);
  }

  close(reason: Error): void {
    this.#reason = reason;
    for (const controller of this.#waiting) controller.abort(reason);
    for (const reference of this.#open) reference.deref()?.abort(reason);
    this.#waiting.clear();
    this.#open = [];
  }

  #following(caller: AbortSignal): OpenCall {
    const known = this.#followers.get(caller);
    if (known) return known;
    const controller = new AbortController();
    // Each request adds a listener, which is removed when the request is collected.
    setMaxListeners(0, controller.signal);
    // The caller's signal keeps its follower, and nothing here keeps the caller's signal.
    caller.addEventListener('abort', () => controller.abort(caller.reason), { once: true });
    const call = { controller, signal: controller.signal, end: () => undefined };
    this.#followers.set(caller, call);
    this.#remember(controller);
    return call;
  }

  #alone(aborted: AbortSignal | undefined): OpenCall {
    if (aborted) return { signal: aborted, end: () => undefined };
    const controller = new AbortController();
    if (this.#reason) controller.abort(this.#reason);
    this.#waiting.add(controller);
    return {
      signal: controller.signal,
      end: (response) => {
        this.#waiting.delete(controller);
        if (!response || !/^\s*text\/event-stream/iu.test(response.headers.get('content-type') ?? '')) return;
        this.#streams.set(response, controller);
        this.#remember(controller);
      },
    };
  }

  #remember(controller: AbortController): void {
    this.#open.push(new WeakRef(controller));
    if (this.#open.length <= this.#sweepAbove) return;
    this.#open = this.#open.filter((reference) => reference.deref() !== undefined);
    this.#sweepAbove = Math.max(SWEEP_ABOVE, this.#open.length * 2);
  }
}
