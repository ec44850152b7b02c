import { hasMethod } from './json-rpc.ts';
import type { WhenClosed } from './when-closed.ts';

/** A client that opens a new session after a failure sends `initialize` at once. In milliseconds. */
const RECOVERY_MS = 25;
/** A client that wants to know whether a session is lost waits so long for the response to its ping. In milliseconds. */
const PING_MS = 6_000;

/**
 * The failed calls at one server whose client may open a new session and repeat them. A call that succeeds in the new session has not
 * failed, and one that fails there too has failed once. If no `initialize` follows at once, the caller has the failure.
 */
export class LostSessions {
  /** What counts each of the calls. */
  readonly #waiting = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopWaiting: (() => void) | undefined;
  /** How many calls are repeated in the new session. */
  #repeats = 0;

  /** A call in a session failed. Calls `count` now or later, unless the call is repeated. */
  failed(init: RequestInit, count: () => void, whenClosed: WhenClosed | undefined): void {
    if (this.#repeats > 0) {
      this.#repeats -= 1;
      return count();
    }
    this.#wait(RECOVERY_MS);
    // The ping belongs to the failed call.
    if (this.#waiting.size > 0 && hasMethod(init, 'ping')) return;
    this.#stopWaiting ??= whenClosed?.(() => this.#countAll());
    this.#waiting.add(count);
  }

  /** A request is sent. */
  sent(init: RequestInit): void {
    if (this.#waiting.size === 0) return;
    if (hasMethod(init, 'ping')) this.#wait(PING_MS);
    if (!hasMethod(init, 'initialize')) return;
    this.#repeats = this.#waiting.size;
    this.#waiting.clear();
    this.#stop();
  }

  /** A request got a response with 2xx. */
  succeeded(init: RequestInit): void {
    // The session is not lost.
    if (this.#waiting.size > 0 && hasMethod(init, 'ping')) this.#countAll();
    if (this.#repeats === 0) return;
    const opens = ['initialize', 'notifications/initialized'].some((method) => hasMethod(init, method));
    if (init.method === 'POST' && !opens) this.#repeats = 0;
  }

  /** The new session could not be opened, which is a failed call itself. */
  notOpened(): void {
    this.#repeats = 0;
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    // If the process was busy, the client has not seen its response yet: it does before the second `setImmediate`.
    this.#timer = setTimeout(() => {
      const timer = this.#timer;
      const count = () => timer === this.#timer && this.#countAll();
      setImmediate(() => setImmediate(count));
    }, ms);
    if (ms === PING_MS) this.#timer.unref();
  }

  #countAll(): void {
    const counts = [...this.#waiting];
    this.#waiting.clear();
    this.#stop();
    for (const count of counts) count();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
  }
}
