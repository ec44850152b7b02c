/** Requests of a server for which a callback runs at the same time. */
const OPEN = 20;
/** Requests of a server for which a callback is called in a minute. */
const PER_MINUTE = 120;
const MINUTE_MS = 60_000;

/** Counts the requests of one server, so that it cannot call the callbacks without end. */
export class RequestLimits {
  #open = 0;
  #received = 0;
  #minuteEndsMs = 0;

  /** Counts a request as open. Returns what is too much instead, as a part of a sentence. */
  enter(): string | undefined {
    const nowMs = performance.now();
    if (nowMs >= this.#minuteEndsMs) {
      this.#minuteEndsMs = nowMs + MINUTE_MS;
      this.#received = 0;
    }
    if (this.#open >= OPEN) return `more than ${OPEN} requests for an answer at once`;
    if (this.#received >= PER_MINUTE) return `more than ${PER_MINUTE} requests for an answer in a minute`;
    this.#open += 1;
    this.#received += 1;
    return undefined;
  }

  /** A request is no longer open. */
  leave(): void {
    this.#open -= 1;
  }
}
