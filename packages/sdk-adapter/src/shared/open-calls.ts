import { type CredenceError, onBodyRefused } from '@credence/core';
import type { SdkFetch } from './redirects.ts';
import type { Replies } from './replies.ts';
import { isRequestId, type RequestId, sentMessages } from './sent-messages.ts';

/** Requests whose response is awaited. More are not remembered; they end at their time limit. */
const MAX_OPEN = 10_000;
/** An implementation-defined server error (JSON-RPC 2.0 section 5.1). The refusal is in `data`. */
const REFUSED = -32_000;

/**
 * The requests of one transport that have no response yet. If an event stream exceeds the limit of the server, it ends with a
 * CredenceError, but neither SDK passes the error of a stream on to the requests that wait for it: they would wait until their time limit.
 * This class ends them with a JSON-RPC error whose `data` is the CredenceError; see `credenceErrorIn`.
 */
export class OpenCalls {
  /** The method of each. */
  readonly #open = new Map<RequestId, unknown>();
  #receive: ((message: object) => void) | undefined;

  /** `receive` passes a message to the client, as if the server had sent it. */
  deliverBy(receive: (message: object) => void): void {
    this.#receive = receive;
  }

  /**
   * A fetch that remembers the requests in its bodies, and ends them if the event stream of the response is refused. `replies` checks
   * the responses; without it they are not checked.
   */
  watching(fetch: SdkFetch, replies: Replies | undefined): SdkFetch {
    return async (input, init) => {
      const sent = sentMessages(init?.body);
      this.forget(sent.cancelled);
      for (const { id, method } of sent.requests) if (this.#open.size < MAX_OPEN) this.#open.set(id, method);
      try {
        const response = await fetch(input, init);
        if (isEventStream(response)) onBodyRefused(response, (refusal) => this.end(refusal, sent.ids));
        return replies ? await replies.checked(response, sent, this) : response;
      } catch (error) {
        this.forget(sent.ids);
        throw error;
      }
    };
  }

  has(id: RequestId): boolean {
    return this.#open.has(id);
  }

  /** Requests that failed or are cancelled. */
  forget(ids: readonly RequestId[]): void {
    for (const id of ids) this.#open.delete(id);
  }

  /** The server sent this message. Returns the method of the request to which it is the response, or undefined if that is not known. */
  received(message: object): unknown {
    if ('method' in message || !('id' in message) || !isRequestId(message.id)) return undefined;
    const method = this.#open.get(message.id);
    this.#open.delete(message.id);
    return method;
  }

  /** Ends the open requests among `ids`, by default all, with this refusal. */
  end(refusal: CredenceError, ids: readonly RequestId[] = [...this.#open.keys()]): void {
    for (const id of ids) {
      if (!this.#open.delete(id)) continue;
      const { message } = refusal;
      this.#receive?.({ jsonrpc: '2.0', id, error: { code: REFUSED, message, data: refusal } });
    }
  }
}

function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.includes('text/event-stream') ?? false;
}
