import { type CredenceError, isCredenceError, replacingResponse } from '@credence/core';
import { type FetchLike, isJsonObject, type JsonObject, stringField } from '@credence/protocol';
import type { ToolClient } from '../facade/connection.ts';
import { ServerError } from '../failures/server-error.ts';
import { serverFailure } from '../failures/server-failure.ts';
import type { ToolListLimits } from './limits.ts';
import { beyondLimit, repeatedCursor } from './listing-failures.ts';

/** The list of tools of one server, as far as it could be read. */
export interface ReadList {
  /** The tools as the server sent them, in its order. */
  readonly definitions: readonly JsonObject[];
  /** Why the list is not complete. Undefined for a complete list. */
  readonly failure: CredenceError | undefined;
}

/**
 * Reads the list of tools of one server, page by page, within limits. A server that exceeds a limit, or fails on a later page, keeps
 * the tools that were read before.
 */
export class ToolList {
  readonly #server: string;
  readonly #limits: Required<ToolListLimits>;
  readonly #stop = new AbortController();
  #isReading = false;
  #bytes = 0;

  constructor(server: string, limits: Required<ToolListLimits>) {
    this.#server = server;
    this.#limits = limits;
  }

  /**
   * Wraps the fetch of the connection. While the list is read, every byte that the server sends counts, also that of other responses:
   * a server must not get around the limit by the stream on which it sends notifications.
   */
  counting(fetch: FetchLike): FetchLike {
    return async (input, init) => {
      const response = await fetch(input, init);
      if (!this.#isReading || response.body === null) return response;
      const { status, statusText, headers } = response;
      const counted = new Response(response.body.pipeThrough(this.#counter()), { status, statusText, headers });
      return replacingResponse(response, counted);
    };
  }

  #counter(): TransformStream<Uint8Array, Uint8Array> {
    return new TransformStream({
      transform: (chunk, controller) => {
        if (this.#isReading) this.#bytes += chunk.byteLength;
        if (this.#bytes <= this.#limits.bytes) return controller.enqueue(chunk);
        const failure = beyondLimit(this.#server, 'bytes', this.#limits.bytes);
        this.#stop.abort(failure);
        controller.error(failure);
      },
    });
  }

  /** Connects and reads the list. Never throws. */
  async read(client: Pick<ToolClient, 'listTools'>): Promise<ReadList> {
    const { totalMs } = this.#limits;
    const timer = setTimeout(() => this.#stop.abort(beyondLimit(this.#server, 'totalMs', totalMs)), totalMs);
    const definitions: JsonObject[] = [];
    this.#isReading = true;
    try {
      const failure = await this.#readPages(client, definitions);
      return { definitions, failure };
    } catch (error) {
      return { definitions, failure: this.#failure(this.#stop.signal.aborted ? this.#stop.signal.reason : error) };
    } finally {
      this.#isReading = false;
      clearTimeout(timer);
    }
  }

  #failure(error: unknown): CredenceError {
    if (isCredenceError(error)) return error;
    return serverFailure(this.#server, error instanceof ServerError ? error.fault : undefined, error);
  }

  async #readPages(
    client: Pick<ToolClient, 'listTools'>,
    definitions: JsonObject[],
  ): Promise<CredenceError | undefined> {
    const { pages, tools } = this.#limits;
    const cursors = new Set<string>();
    let cursor: string | undefined;
    for (let page = 1; page <= pages; page += 1) {
      const list = await this.#page(client, cursor);
      const room = tools - definitions.length;
      for (const tool of list.tools.slice(0, room)) definitions.push(tool);
      if (list.tools.length > room) return beyondLimit(this.#server, 'tools', tools);
      cursor = list.nextCursor;
      if (cursor === undefined) return undefined;
      if (cursors.has(cursor)) return repeatedCursor(this.#server);
      cursors.add(cursor);
    }
    return beyondLimit(this.#server, 'pages', pages);
  }

  async #page(client: Pick<ToolClient, 'listTools'>, cursor: string | undefined) {
    const { signal } = this.#stop;
    // Each page has its own signal, because SDK v1 never removes its listener.
    const page = new AbortController();
    const abort = () => page.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const list: object = await client.listTools(cursor === undefined ? {} : { cursor }, { signal: page.signal });
      const answer = isJsonObject(list) ? list : undefined;
      const tools = Array.isArray(answer?.['tools']) ? answer['tools'].filter(isJsonObject) : [];
      // mcp-adapters and some servers treat an empty cursor as the end.
      return { tools, nextCursor: stringField(answer, 'nextCursor') || undefined };
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
