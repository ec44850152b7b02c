import { types } from 'node:util';
import { isJsonObject } from '@credence/protocol';

/** The longest start of a body that is searched for the method, in UTF-16 code units. */
const MAX_SEARCHED = 10_000;

/** Whether the body of a POST has this JSON-RPC method near its start. */
export function hasMethod({ method, body }: RequestInit, name: string): boolean {
  if (method?.toUpperCase() !== 'POST' || typeof body !== 'string') return false;
  return body.length <= MAX_SEARCHED
    ? parse(body)?.['method'] === name
    : body.slice(0, MAX_SEARCHED).includes(`"method":"${name}"`);
}

/** The session and the JSON-RPC id of a request that has an id. Undefined for a notification and for anything else. */
export function callKey(init: RequestInit): string | undefined {
  const body = jsonText(init);
  const message = body === undefined ? undefined : parse(body);
  return typeof message?.['method'] === 'string' ? keyOf(init, message['id']) : undefined;
}

/** The call that a notification cancels, and the reason. Undefined if `init` is anything else. */
export function cancellation(init: RequestInit): { readonly key: string; readonly reason: string } | undefined {
  const body = jsonText(init);
  if (body?.includes('notifications/cancelled') !== true) return undefined;
  const message = parse(body);
  if (message?.['method'] !== 'notifications/cancelled' || !isJsonObject(message['params'])) return undefined;
  const { requestId, reason } = message['params'];
  const key = keyOf(init, requestId);
  return key === undefined ? undefined : { key, reason: typeof reason === 'string' ? reason : '' };
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
