import { isCredenceError, type CredenceError } from '@credence/core';
import { isJsonObject, type JsonObject, waitFor } from '@credence/protocol';
import { type Asked, askedBy, type CheckedElicitation, checkedElicitation } from './elicitation.ts';
import { UnusableSchemaError } from '../schema/model-schema.ts';
import { RequestLimits } from './request-limits.ts';
import type { OnElicitation, OnSampling } from './requests.ts';
import { type CheckedSampling, checkedSampling, sampledBy } from './sampling.ts';
import {
  answerTooLate,
  callbackFailed,
  noLongerAwaited,
  type RequestCallback,
  refusedRequest,
  UnansweredRequest,
} from './unanswered-request.ts';

/** The callbacks of the application, and how long each has for an answer. */
export interface AnswerSettings {
  readonly onElicitation?: OnElicitation | undefined;
  readonly onSampling?: OnSampling | undefined;
  readonly answerMs: number;
  /** Called for a request that a callback did not answer, because the server gets only a JSON-RPC error. */
  readonly onFailure: (failure: CredenceError) => void;
}

/**
 * Answers the requests of one server by the callbacks of the application, on every connection to it. A callback that throws, hangs or
 * returns something wrong makes only this request fail, and a server that sends too many gets an error.
 */
export class ClientAnswers {
  readonly server: string;
  readonly #settings: AnswerSettings;
  readonly #limits = new RequestLimits();
  readonly #open = new Set<AbortController>();

  constructor(server: string, settings: AnswerSettings) {
    this.server = server;
    this.#settings = settings;
  }

  /** Whether there is a callback for elicitations. Only then the client declares the capability. */
  get elicits(): boolean {
    return this.#settings.onElicitation !== undefined;
  }

  /** Whether there is a callback for sampling. */
  get samples(): boolean {
    return this.#settings.onSampling !== undefined;
  }

  /** Answers `elicitation/create`. Throws an UnansweredRequest. */
  async elicit(params: unknown, signal: AbortSignal): Promise<CheckedElicitation> {
    const { onElicitation } = this.#settings;
    return this.#answer('onElicitation', signal, async (stop) => {
      const asked = isJsonObject(params) ? params : {};
      const answer = await onElicitation?.({ server: this.server, ...this.#asked(asked), signal: stop });
      const checked = checkedElicitation(answer, asked);
      if ('fault' in checked) throw callbackFailed(this.server, 'onElicitation', checked.fault);
      return checked.answer;
    });
  }

  /** Answers `sampling/createMessage`. Throws an UnansweredRequest. */
  async sample(params: unknown, signal: AbortSignal): Promise<CheckedSampling> {
    const { onSampling } = this.#settings;
    return this.#answer('onSampling', signal, async (stop) => {
      const sampled = sampledBy(isJsonObject(params) ? params : {});
      if (!sampled) throw refusedRequest(this.server, 'a sampling request with tools, which this client did not offer');
      const answer = await onSampling?.({ server: this.server, ...sampled, signal: stop });
      const checked = checkedSampling(answer);
      if (!checked) throw callbackFailed(this.server, 'onSampling', 'returned something else than { content, model }');
      return checked;
    });
  }

  /** Ends the requests that are open. For when no call is open that they could belong to. */
  endOpen(): void {
    const reason = noLongerAwaited(this.server);
    for (const stop of this.#open) stop.abort(reason);
  }

  #asked(params: JsonObject): Asked {
    try {
      return askedBy(params);
    } catch (error) {
      if (error instanceof UnusableSchemaError)
        throw refusedRequest(this.server, 'an elicitation with a schema that is too large');
      throw error;
    }
  }

  async #answer<T>(callback: RequestCallback, signal: AbortSignal, ask: (stop: AbortSignal) => Promise<T>): Promise<T> {
    const excess = this.#limits.enter();
    if (excess !== undefined) throw this.#unanswered(refusedRequest(this.server, excess));
    const { answerMs } = this.#settings;
    const stop = new AbortController();
    const ended = () => stop.abort(noLongerAwaited(this.server));
    const timer = setTimeout(() => stop.abort(answerTooLate(this.server, callback, answerMs)), answerMs);
    signal.addEventListener('abort', ended, { once: true });
    if (signal.aborted) ended();
    this.#open.add(stop);
    try {
      return await waitFor(ask(stop.signal), stop.signal);
    } catch (error) {
      const name = error instanceof Error ? ` (${error.constructor.name})` : '';
      throw this.#unanswered(
        isCredenceError(error) ? error : callbackFailed(this.server, callback, `threw an error${name}`),
      );
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', ended);
      this.#open.delete(stop);
      this.#limits.leave();
    }
  }

  #unanswered(failure: CredenceError): UnansweredRequest {
    try {
      if (failure.code !== 'cancelled') this.#settings.onFailure(failure);
    } catch {
      // The principal is closed, so no one reads its events.
    }
    return new UnansweredRequest(failure);
  }
}
