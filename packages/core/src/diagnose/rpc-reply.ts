import { isJsonObject, type JsonObject } from '@credence/protocol';
import { boundedPieces, eventsIn, TooManyBytesError } from './event-stream.ts';

/** Why a response has no JSON-RPC response to the request. */
export type Flaw =
  | 'empty'
  | 'html'
  | 'not JSON'
  | 'not JSON-RPC'
  | 'result and error'
  | 'another id'
  | 'JSON under another content type'
  | 'no event'
  | 'too large';

/** An HTTP response to a JSON-RPC request. */
export interface RpcReply {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON-RPC response with the id of the request. */
  readonly message?: JsonObject | undefined;
  /** Set if `message` is not. */
  readonly flaw?: Flaw | undefined;
  /** The start of the body, as the peer sent it. */
  readonly text: string;
}

/** The response to `initialize` may contain instructions for the model, but no tools. */
const MAX_BYTES = 1024 * 1024;
/** The part of a body that is read if it cannot be a JSON-RPC response. */
const MAX_TEXT_BYTES = 16 * 1024;

/**
 * Reads the JSON-RPC response with this id from an HTTP response: JSON, or one event of an event stream. Other events before it are
 * passed over. The rest of the body is cancelled. Rejects if the connection breaks.
 */
export async function readReply(response: Response, id: number): Promise<RpcReply> {
  const { status, headers, body } = response;
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const base = { status, headers };
  if (response.ok && type === 'text/event-stream') return { ...base, ...(await fromEvents(body, id)) };
  if (!response.ok || type !== 'application/json') {
    const text = await startOf(body);
    if (text.trim() === '') return { ...base, flaw: 'empty', text };
    // A server can answer an error status with a JSON-RPC error.
    const value = parsed(text);
    if (value === undefined) return { ...base, flaw: looksLikeHtml(type, text) ? 'html' : 'not JSON', text };
    if (response.ok) return { ...base, flaw: 'JSON under another content type', text };
    return { ...base, ...responseIn(value, id), text };
  }
  try {
    let text = '';
    for await (const piece of boundedPieces(body, MAX_BYTES)) text += piece;
    if (text.trim() === '') return { ...base, flaw: 'empty', text };
    const value = parsed(text);
    if (value === undefined) return { ...base, flaw: looksLikeHtml(type, text) ? 'html' : 'not JSON', text };
    return { ...base, ...responseIn(value, id), text };
  } catch (error) {
    if (!(error instanceof TooManyBytesError)) throw error;
    return { ...base, flaw: 'too large', text: '' };
  }
}

/** The JSON-RPC response with this id in a stream of events, until the stream ends or is too large. */
async function fromEvents(
  body: ReadableStream<Uint8Array> | null,
  id: number,
): Promise<Pick<RpcReply, 'message' | 'flaw' | 'text'>> {
  try {
    for await (const { type, data } of eventsIn(body, MAX_BYTES)) {
      if (type !== 'message') continue;
      const { message } = responseIn(parsed(data), id);
      if (message) return { message, text: data };
    }
    return { flaw: 'no event', text: '' };
  } catch (error) {
    if (!(error instanceof TooManyBytesError)) throw error;
    return { flaw: 'too large', text: '' };
  }
}

/** The response with this id in a JSON value: one message, or a batch (revision 2025-03-26). */
export function responseIn(value: unknown, id: number): Pick<RpcReply, 'message' | 'flaw'> {
  const responses = (Array.isArray(value) ? value : [value]).filter(isResponse);
  // JSON-RPC 2.0, section 5: a response has one of both. The SDKs refuse such a response.
  if (responses.some((response) => 'result' in response && 'error' in response)) return { flaw: 'result and error' };
  const message =
    // A server that refuses a request before it reads its id answers with the id null (JSON-RPC 2.0, section 5).
    responses.find((response) => response['id'] === id || (response['id'] ?? null) === null);
  if (message && ('error' in message || message['id'] === id)) return { message };
  return { flaw: responses.length > 0 ? 'another id' : 'not JSON-RPC' };
}

function isResponse(value: unknown): value is JsonObject {
  return (
    isJsonObject(value) && value['jsonrpc'] === '2.0' && (isJsonObject(value['result']) || isRpcError(value['error']))
  );
}

function isRpcError(value: unknown): boolean {
  return isJsonObject(value) && typeof value['code'] === 'number';
}

/**
 * Why the body of a successful response to a notification is no acceptance: it is an HTML page, or JSON with an error. The SDKs do not
 * read this body, so a server must not use it for anything else.
 */
export async function readAcceptance(response: Response): Promise<RpcReply | undefined> {
  const { status, headers, body } = response;
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  // A stream can stay open.
  if (type === 'text/event-stream') {
    await body?.cancel();
    return undefined;
  }
  const text = await startOf(body);
  if (looksLikeHtml(type, text)) return { status, headers, flaw: 'html', text };
  const value = parsed(text);
  const failed = (Array.isArray(value) ? value : [value]).find(
    (one: unknown) => isJsonObject(one) && Boolean(one['error']),
  ) as JsonObject | undefined;
  if (failed === undefined) return undefined;
  return isRpcError(failed['error'])
    ? { status, headers, message: failed, text }
    : { status, headers, flaw: 'not JSON-RPC', text };
}

/** The first bytes of a body. The rest is cancelled. */
async function startOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  let text = '';
  try {
    for await (const piece of boundedPieces(body, MAX_TEXT_BYTES)) text += piece;
  } catch (error) {
    if (!(error instanceof TooManyBytesError)) throw error;
  }
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function looksLikeHtml(type: string, text: string): boolean {
  return type.includes('html') || /^\s*(?:<!doctype html|<html|<head|<body)/iu.test(text);
}
