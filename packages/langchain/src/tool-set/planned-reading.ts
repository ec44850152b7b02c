/** A reading that is planned for later. Its timer does not keep the process running. */
export class PlannedReading {
  #timer: { readonly id: ReturnType<typeof setTimeout>; readonly atMs: number } | undefined;

  /** Calls `read` after a pause. If a reading is planned already, the earlier one of the two stays. */
  plan(pauseMs: number, read: () => void): void {
    const atMs = performance.now() + pauseMs;
    if (this.#timer && this.#timer.atMs <= atMs) return;
    this.cancel();
    const id = setTimeout(() => {
      this.#timer = undefined;
      read();
    }, pauseMs);
    id.unref();
    this.#timer = { id, atMs };
  }

  cancel(): void {
    clearTimeout(this.#timer?.id);
    this.#timer = undefined;
  }
}
