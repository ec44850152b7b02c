import type { FetchLike } from '@credence/protocol';

/** How often both SDKs try to open a stream again after it has ended: the default `maxRetries` of their transports. */
const RETRIES = 2;

/** What happens to the stream on which a server sends notifications. */
export interface StreamEvents {
  /** The stream was opened again at its end, and what was sent in between is lost. */
  readonly onReopened: () => void;
  /** The stream has ended, and the SDK does not try to open it again, or the server has lost the session. */
  readonly onLost: () => void;
}

/**
 * Watches the stream that a client opens by GET. Both SDKs give up after two attempts to open it again, without telling the client,
 * and then a server whose connection broke for a moment could never again say that its list has changed. A stream that was never
 * opened is not lost: it is optional (MCP, Transports).
 */
export function watchedStream(fetch: FetchLike, { onReopened, onLost }: StreamEvents): FetchLike {
  let wasOpen = false;
  let failures = 0;
  const failed = (isFinal: boolean) => {
    failures += 1;
    if (!wasOpen || (!isFinal && failures < RETRIES)) return;
    wasOpen = false;
    onLost();
  };
  return async (input, init) => {
    if ((init?.method ?? 'GET').toUpperCase() !== 'GET') return fetch(input, init);
    const isResumed = new Headers(init?.headers).has('last-event-id');
    try {
      const response = await fetch(input, init);
      if (response.ok) {
        failures = 0;
        if (wasOpen && !isResumed) onReopened();
        wasOpen = true;
      } else if (response.status !== 405) {
        failed(response.status === 404 || response.status === 410);
      }
      return response;
    } catch (error) {
      if (!init?.signal?.aborted) failed(false);
      throw error;
    }
  };
}
