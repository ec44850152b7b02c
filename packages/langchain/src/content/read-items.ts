import type { CredenceError } from '@credence/core';
import { isJsonObject, type JsonObject, stringField } from '@credence/protocol';
import type { ContentClient, ListKind } from '../facade/connection.ts';
import type { ToolListLimits } from '../listing/limits.ts';
import { contentFailure, endlessList, listBeyondLimit } from './content-failures.ts';

/** The items of a list of one server, as far as they could be read. */
export interface ReadItems {
  readonly items: readonly JsonObject[];
  /** Why the list is not complete. */
  readonly failure: CredenceError | undefined;
}

/**
 * Reads a list page by page within limits. A server that exceeds a limit, or fails on a later page, keeps the items that were read
 * before. Throws only the reason of `signal`.
 */
export async function readItems(
  server: string,
  kind: ListKind,
  client: ContentClient,
  { limits, signal }: { readonly limits: Required<ToolListLimits>; readonly signal: AbortSignal | undefined },
): Promise<ReadItems> {
  const stop = new AbortController();
  const abort = () => stop.abort(signal?.reason);
  signal?.throwIfAborted();
  signal?.addEventListener('abort', abort, { once: true });
  const { totalMs } = limits;
  const timer = setTimeout(() => stop.abort(listBeyondLimit(server, kind, 'totalMs', totalMs)), totalMs);
  const items: JsonObject[] = [];
  try {
    return { items, failure: await readPages({ server, kind, client, limits, stop: stop.signal }, items) };
  } catch (error) {
    signal?.throwIfAborted();
    return { items, failure: contentFailure(server, stop.signal.aborted ? stop.signal.reason : error) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

interface Reading {
  readonly server: string;
  readonly kind: ListKind;
  readonly client: ContentClient;
  readonly limits: Required<ToolListLimits>;
  readonly stop: AbortSignal;
}

async function readPages(reading: Reading, items: JsonObject[]): Promise<CredenceError | undefined> {
  const { server, kind, limits } = reading;
  const cursors = new Set<string>();
  let cursor: string | undefined;
  let bytes = 0;
  for (let page = 1; page <= limits.pages; page += 1) {
    const answer = await readPage(reading, cursor);
    bytes += Buffer.byteLength(JSON.stringify(answer));
    if (bytes > limits.bytes) return listBeyondLimit(server, kind, 'bytes', limits.bytes);
    const listed = answer[kind];
    const found = Array.isArray(listed) ? listed.filter(isJsonObject) : [];
    const room = limits.tools - items.length;
    for (const item of found.slice(0, room)) items.push(item);
    if (found.length > room) return listBeyondLimit(server, kind, 'tools', limits.tools);
    // Some servers send an empty cursor at the end.
    cursor = stringField(answer, 'nextCursor') || undefined;
    if (cursor === undefined) return undefined;
    if (cursors.has(cursor)) return endlessList(server, kind);
    cursors.add(cursor);
  }
  return listBeyondLimit(server, kind, 'pages', limits.pages);
}

async function readPage({ kind, client, stop }: Reading, cursor: string | undefined): Promise<JsonObject> {
  // Each page has its own signal, because SDK v1 never removes its listener.
  const page = new AbortController();
  const abort = () => page.abort(stop.reason);
  stop.throwIfAborted();
  stop.addEventListener('abort', abort, { once: true });
  try {
    const answer: object = await client.list(kind, cursor === undefined ? {} : { cursor }, { signal: page.signal });
    return isJsonObject(answer) ? answer : {};
  } finally {
    stop.removeEventListener('abort', abort);
  }
}
