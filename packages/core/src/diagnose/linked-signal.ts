/** A signal that aborts with one of several others, or on its own. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  readonly abort: (reason: unknown) => void;
  /** Removes the listeners from the other signals. */
  readonly unlink: () => void;
}

/** Links a new signal to `others`. Unlike `AbortSignal.any`, it leaves nothing behind on a signal that lives long. */
export function linkedSignal(others: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const links = others.map((other) => {
    const abort = () => controller.abort(other?.reason);
    if (other?.aborted) abort();
    other?.addEventListener('abort', abort, { once: true });
    return () => other?.removeEventListener('abort', abort);
  });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    unlink: () => links.forEach((unlink) => unlink()),
  };
}
