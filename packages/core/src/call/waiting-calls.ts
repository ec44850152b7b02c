import { types } from 'node:util';
import { isJsonObject } from '@credence/protocol';
import { ERROR_CODES } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';

/**
 * The calls that wait for their token. The SDKs do not abort `fetch` when a request is cancelled or times out. The SDKs
 * send the message `notifications/cancelled`. Without this class the cancelled call would be sent later with its token.
 */
export class WaitingCalls {
  /** The bodies are parsed only when a cancellation comes, because many calls wait and few are cancelled. */
  readonly #waiting = new Map<AbortController, RequestInit>();

  /** Calls `wait` with a signal that aborts when the caller's signal aborts or when the call is cancelled. */
  async during<T>(init: RequestInit, wait: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const caller = init.signal ?? undefined;
    caller?.throwIfAborted();
    const controller = new AbortController();
    const stop = () => controller.abort(caller?.reason);
    caller?.addEventListener('abort', stop, { once: true });
    this.#waiting.set(controller, init);
    try {
      return await wait(controller.signal);
    } finally {
      caller?.removeEventListener('abort', stop);
      this.#waiting.delete(controller);
    }
  }

  /** If `init` cancels a waiting call, that call ends, the result is true and the cancellation need not be sent to the server. */
  cancel(init: RequestInit, server: string): boolean {
    if (this.#waiting.size === 0) return false;
    const body = jsonText(init);
    if (body?.includes('notifications/cancelled') !== true) return false;
    const message = parse(body);
    if (message?.['method'] !== 'notifications/cancelled' || !isJsonObject(message['params'])) return false;
    const key = keyOf(init, message['params']['requestId']);
    const call = [...this.#waiting].find(([, waiting]) => key !== undefined && callKey(waiting) === key);
    call?.[0].abort(cancelled(server));
    return call !== undefined;
  }
}

function callKey(init: RequestInit): string | undefined {
  const body = jsonText(init);
  const message = body === undefined ? undefined : parse(body);
  return typeof message?.['method'] === 'string' ? keyOf(init, message['id']) : undefined;
}

/** The body as text if it is text, or bytes that are sent as JSON: the body of a Request is read as bytes. */
function jsonText({ body, headers }: RequestInit): string | undefined {
  if (typeof body === 'string') return body;
  const isBytes = types.isAnyArrayBuffer(body) && /\bjson\b/iu.test(new Headers(headers).get('content-type') ?? '');
  return isBytes ? new TextDecoder().decode(body) : undefined;
}

/** The session and the JSON-RPC id, because ids are unique only within a session. */
function keyOf(init: RequestInit, id: unknown): string | undefined {
  if (typeof id !== 'string' && typeof id !== 'number') return undefined;
  return JSON.stringify([new Headers(init.headers).get('mcp-session-id'), id]);
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const message: unknown = JSON.parse(body);
    return isJsonObject(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

function cancelled(server: string): CredenceError {
  return new CredenceError({
    code: 'cancelled',
    leg: 'call',
    message: `A call to server "${server}" was cancelled while it waited for its token; it was never sent.`,
    remedy: ERROR_CODES.cancelled.remedy,
    contact: 'you',
    server,
  });
}
