import { lruCache, waitFor } from '@credence/protocol';

const MAX_REPLACED = 1_000;

/** A function of the application that stores a new token. */
export type OnRotated = (token: string) => void | Promise<void>;

/** Whether the application has the new token: `stored`, or `failed` if its function threw, or `not-stored` if it has no function. */
export type RotationOutcome = 'stored' | 'failed' | 'not-stored';

/**
 * Tokens that the IdP may replace with each use, such as refresh tokens (RFC 9700 section 4.14.2). A replaced token is never sent again,
 * also if the application still returns it: an IdP that sees it again may revoke all tokens of the subject.
 */
export class RotatingTokens {
  readonly #onRotated: OnRotated | undefined;
  /** The token that replaced a token. */
  readonly #next = lruCache<string>(MAX_REPLACED);
  /** The newest token that the application has failed to store. */
  #unstored: string | undefined;
  /** Settled when the last use has ended. */
  #lastUse: Promise<void> = Promise.resolve();

  constructor(onRotated: OnRotated | undefined) {
    this.#onRotated = onRotated;
  }

  /**
   * Runs `use` after all earlier uses have ended, because two requests must not send the same token. Rejects with the reason of `signal` if
   * it is aborted during the wait.
   */
  async exclusively<T>(use: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const earlier = this.#lastUse;
    let end: () => void = () => undefined;
    const own = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#lastUse = earlier.then(async () => own);
    try {
      await waitFor(earlier, signal);
      return await use();
    } finally {
      end();
    }
  }

  /** The newest token that has replaced `token`. If the application has failed to store it, its function is called again. */
  async newest(token: string, signal: AbortSignal): Promise<string> {
    let newest = token;
    for (let next = this.#next.get(newest); next !== undefined; next = this.#next.get(newest)) newest = next;
    if (this.#unstored !== undefined) await this.#store(this.#unstored, signal);
    return newest;
  }

  /** The IdP has replaced `used` by `next`. Waits until the application has stored it. Never throws. */
  async rotated(used: string, next: string, signal: AbortSignal): Promise<RotationOutcome> {
    this.#next.set(used, next);
    // An IdP may return a token that it issued before. Without this line the chain could be a circle.
    this.#next.delete(next);
    return this.#store(next, signal);
  }

  async #store(token: string, signal: AbortSignal): Promise<RotationOutcome> {
    if (!this.#onRotated) return 'not-stored';
    this.#unstored = token;
    const onRotated = this.#onRotated;
    const store = async () => {
      await onRotated(token);
      if (this.#unstored === token) this.#unstored = undefined;
    };
    try {
      await waitFor(store(), signal);
      return 'stored';
    } catch {
      return 'failed';
    }
  }
}
