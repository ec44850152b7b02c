import { type CredenceError, isCredenceError, onBodyRefused } from '@credence/core';
import type { OpenCalls } from './open-calls.ts';
import type { SdkFetch } from './redirects.ts';

/**
 * Wraps the fetch that opens the event stream of an SSE transport, and keeps the CredenceError that it throws. The event source
 * converts an error of its fetch into an event, and the SDK converts that event into an error without a cause.
 */
export class EventStream {
  /** The last CredenceError with which the stream could not be opened. */
  failure: CredenceError | undefined;
  /** Called for an error that is not retryable when the stream reconnects. The event source would reconnect without end. */
  onRefused: ((refusal: CredenceError) => void) | undefined;
  readonly fetch: SdkFetch;

  constructor(fetch: SdkFetch, calls: OpenCalls) {
    this.fetch = async (input, init) => {
      try {
        const response = await fetch(input, init);
        // The responses to all calls arrive in this stream.
        onBodyRefused(response, (refusal) => {
          this.failure = refusal;
          calls.end(refusal);
          this.onRefused?.(refusal);
        });
        return response;
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
