import { types } from 'node:util';
import { isJsonObject } from '@credence/protocol';
import { ERROR_CODES } from '../errors/codes.ts';
import { CredenceError } from '../errors/credence-error.ts';

/**
 * Calls that wait for their token. The SDKs' per-request abort and timeout do not reach `fetch`: a caller that gave up sends
 * `notifications/cancelled` as a message of its own, and without this the call would run after all.
 */
export class WaitingCalls {
  /** Which call each is, is found out when one is cancelled and not before: many may wait, and few are cancelled. */
  readonly #waiting = new Map<AbortController, RequestInit>();

  /** Waits with `wait` under a signal that ends when the caller's does or when the call is cancelled. */
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

  /** If `init` cancels a call that is still waiting, that call ends here and the server need never know: true. */
  cancel(init: RequestInit, server: string): boolean {
    if (this.#waiting.size === 0) return false;
    const body = jsonText(init);
    if (body?.includes('notifications/cancelled') !== true) return false;
    const message = parse(body);
    if (message?.['method'] !== 'notifications/cancelled' || !isJsonObject(message['params'])) return false;
    const key = keyOf(init, message['params']['requestId']);
    const meant = [...this.#waiting].find(([, waiting]) => key !== undefined && callKey(waiting) === key);
    meant?.[0].abort(cancelled(server));
    return meant !== undefined;
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

/** JSON-RPC ids are unique within a session only. */
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
