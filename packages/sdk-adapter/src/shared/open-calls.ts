import { type CredenceError, onBodyRefused } from '@credence/core';
import { isEventStream } from './event-lines.ts';
import type { SdkFetch } from './redirects.ts';
import { isRequestId, type RequestId, type SendingFetch, sentMessages } from './sent-messages.ts';

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
  readonly #open = new Set<RequestId>();
  #receive: ((message: object) => void) | undefined;

  /** `receive` passes a message to the client, as if the server had sent it. */
  deliverBy(receive: (message: object) => void): void {
    this.#receive = receive;
  }

  /** A fetch that remembers the requests in its bodies, and ends them if the event stream of the response is refused. */
  watching(fetch: SendingFetch): SdkFetch {
    return async (input, init) => {
      const sent = sentMessages(init?.body);
      const { requests: ids, cancelled } = sent;
      for (const id of cancelled) this.#open.delete(id);
      for (const id of ids) if (this.#open.size < MAX_OPEN) this.#open.add(id);
      try {
        const response = await fetch(input, init, sent);
        if (isEventStream(response)) onBodyRefused(response, (refusal) => this.end(refusal, ids));
        return response;
      } catch (error) {
        for (const id of ids) this.#open.delete(id);
        throw error;
      }
    };
  }

  /** Whether one of these requests has no response yet and is not cancelled. */
  hasOpen(ids: readonly RequestId[]): boolean {
    return ids.some((id) => this.#open.has(id));
  }

  /** The server sent this message. */
  received(message: object): void {
    if (!('method' in message) && 'id' in message && isRequestId(message.id)) this.#open.delete(message.id);
  }

  /** Ends the open requests among `ids`, by default all, with this refusal. */
  end(refusal: CredenceError, ids: readonly RequestId[] = [...this.#open]): void {
    for (const id of ids) {
      if (!this.#open.delete(id)) continue;
      const { message } = refusal;
      this.#receive?.({ jsonrpc: '2.0', id, error: { code: REFUSED, message, data: refusal } });
    }
  }
}
