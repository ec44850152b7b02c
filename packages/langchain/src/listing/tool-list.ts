import { type CredenceError, isCredenceError, replacingResponse } from '@credence/core';
import { type FetchLike, isJsonObject, type JsonObject, stringField } from '@credence/protocol';
import type { ToolLeftOut } from '@credence/sdk-adapter';
import type { ToolClient } from '../facade/connection.ts';
import { watchedBody } from '../facade/watched-body.ts';
import { ServerError } from '../failures/server-error.ts';
import { serverFailure } from '../failures/server-failure.ts';
import type { ToolListLimits } from './limits.ts';
import { beyondLimit, repeatedCursor } from './listing-failures.ts';

/** The list of tools of one server, as far as it could be read. */
export interface ReadList {
  /** The tools as the server sent them, in its order. */
  readonly definitions: readonly JsonObject[];
  /** The tools that the SDK cannot read, at most 100. They are not in `definitions`. */
  readonly leftOut: readonly ToolLeftOut[];
  /** Why the list is not complete. Undefined for a complete list. */
  readonly failure: CredenceError | undefined;
  /** Whether the list ends where a request failed. The rest may be there the next time. False for a list that exceeds a limit. */
  readonly isBrokenOff: boolean;
}

/** One reading of the list. */
interface Reading {
  readonly stop: AbortController;
  readonly leftOut: ToolLeftOut[];
  bytes: number;
}

const MAX_LEFT_OUT = 100;

/** Requests whose responses belong to the caller of a tool, a resource or a prompt, and not to the list. */
const OF_CALLERS = /^.{0,200}"method":"(?:tools\/call|resources\/|prompts\/|completion\/)/su;

/**
 * Reads the list of tools of one server, page by page, within limits, as often as `read` is called. A server that exceeds a limit, or
 * fails on a later page, keeps the tools that were read before.
 */
export class ToolList {
  readonly #server: string;
  readonly #limits: Required<ToolListLimits>;
  #reading: Reading | undefined;

  constructor(server: string, limits: Required<ToolListLimits>) {
    this.#server = server;
    this.#limits = limits;
  }

  /**
   * Wraps the fetch of the connection. While the list is read, every byte that the server sends for it counts, also on the stream on
   * which it sends notifications: a server must not get around the limit by that stream. Results of calls do not count.
   */
  counting(fetch: FetchLike): FetchLike {
    return async (input, init) => {
      const response = await fetch(input, init);
      if (!this.#reading || response.body === null || isOfCaller(init)) return response;
      const { status, statusText, headers } = response;
      const body = watchedBody(response.body, (chunk) => this.#count(chunk.byteLength));
      return replacingResponse(response, new Response(body, { status, statusText, headers }));
    };
  }

  #count(bytes: number): boolean {
    const reading = this.#reading;
    if (!reading) return true;
    reading.bytes += bytes;
    if (reading.bytes <= this.#limits.bytes) return true;
    const failure = beyondLimit(this.#server, 'bytes', this.#limits.bytes);
    reading.stop.abort(failure);
    throw failure;
  }

  /** Ends the reading that is under way, if there is one, with this reason. */
  giveUp(reason: CredenceError): void {
    this.#reading?.stop.abort(reason);
  }

  /** Records a tool that the SDK cannot read. */
  leftOut(tool: ToolLeftOut): void {
    const { leftOut = [] } = this.#reading ?? {};
    if (leftOut.length < MAX_LEFT_OUT) leftOut.push(tool);
  }

  /** Connects and reads the list. One call at a time. Never throws. */
  async read(client: Pick<ToolClient, 'listTools'>): Promise<ReadList> {
    const { totalMs } = this.#limits;
    const reading: Reading = { stop: new AbortController(), leftOut: [], bytes: 0 };
    this.#reading = reading;
    const { stop, leftOut } = reading;
    const timer = setTimeout(() => stop.abort(beyondLimit(this.#server, 'totalMs', totalMs)), totalMs);
    const definitions: JsonObject[] = [];
    try {
      const failure = await this.#readPages(client, definitions, stop.signal);
      return { definitions, leftOut, failure, isBrokenOff: false };
    } catch (error) {
      const failure = this.#failure(stop.signal.aborted ? stop.signal.reason : error);
      return { definitions, leftOut, failure, isBrokenOff: failure.code !== 'response_too_large' };
    } finally {
      this.#reading = undefined;
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
    signal: AbortSignal,
  ): Promise<CredenceError | undefined> {
    const { pages, tools } = this.#limits;
    const cursors = new Set<string>();
    let cursor: string | undefined;
    for (let page = 1; page <= pages; page += 1) {
      const list = await readPage(client, cursor, signal);
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
}

async function readPage(client: Pick<ToolClient, 'listTools'>, cursor: string | undefined, signal: AbortSignal) {
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

function isOfCaller(init: RequestInit | undefined): boolean {
  return typeof init?.body === 'string' && OF_CALLERS.test(init.body);
}
