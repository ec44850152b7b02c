import type { AccessToken } from '../tokens/access-token.ts';
import type { Call, FetchContext } from './call.ts';
import { present } from './present.ts';
import { discard } from './response-body.ts';

/**
 * Sends a request of the principal's own, with the token of a call, to the URL of that call. Ends when the call is aborted, and after
 * `limitMs`. Undefined if there is no response. The body of the response is not read.
 */
export async function sendOwn(
  { runtime, access }: FetchContext,
  { target, init }: Call,
  token: AccessToken,
  request: RequestInit,
  limitMs: number = runtime.timeout.requestMs,
): Promise<Response | undefined> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), limitMs);
  const abort = () => stop.abort();
  init.signal?.addEventListener('abort', abort, { once: true });
  try {
    const response = await present(runtime, access.settings, target, { ...request, signal: stop.signal }, token);
    await discard(response);
    return response;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    init.signal?.removeEventListener('abort', abort);
  }
}

/** The headers of a JSON-RPC message by POST. */
export function messageHeaders(): Headers {
  return new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' });
}
