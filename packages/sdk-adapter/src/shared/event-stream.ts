import { type CredenceError, isCredenceError } from '@credence/core';
import type { SdkFetch } from './redirects.ts';

/**
 * The fetch of an SSE transport's event stream. The event source makes an event of whatever its fetch throws, and the SDK an
 * error without a cause of that: here the CredenceError is kept.
 */
export class EventStream {
  /** Why the stream could not be opened. */
  failure: CredenceError | undefined;
  /** Called, once the stream has been open, for a refusal that reconnecting every few seconds for ever would not mend. */
  onRefused: ((refusal: CredenceError) => void) | undefined;
  readonly fetch: SdkFetch;

  constructor(fetch: SdkFetch) {
    this.fetch = async (input, init) => {
      try {
        return await fetch(input, init);
      } catch (error) {
        if (isCredenceError(error)) {
          this.failure = error;
          if (!error.retryable) this.onRefused?.(error);
        }
        throw error;
      }
    };
  }
}
