import { AsyncLocalStorage } from 'node:async_hooks';
import { CredenceError } from '@credence/core';
import type { FetchLike } from '@credence/protocol';

/** Headers that the application adds to the request of one call, known to the fetch of the connection. */
const headersOfCall = new AsyncLocalStorage<Readonly<Record<string, string>>>();

/** Headers that belong to Credence, to the MCP transports or to HTTP. */
const RESERVED =
  /^(?:authorization|proxy-.*|dpop|cookie|host|accept|content-.*|connection|transfer-encoding|te|trailer|upgrade|keep-alive|expect|last-event-id|mcp-.*|sec-.*)$/u;

/** Runs a call whose request has additional headers. */
export async function withCallHeaders<T>(
  headers: Readonly<Record<string, string>>,
  call: () => Promise<T>,
): Promise<T> {
  return headersOfCall.run(headers, call);
}

/** Throws `invalid_configuration` for a header that the application must not set, and for one that is not valid in HTTP. */
export function checkCallHeaders(server: string, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    const isValid =
      /^[\w!#$%&'*+.^`|~-]+$/u.test(name) && typeof value === 'string' && /^[\t -~\u0080-\u00ff]*$/u.test(value);
    if (isValid && !RESERVED.test(name.toLowerCase())) continue;
    throw new CredenceError({
      code: 'invalid_configuration',
      leg: 'configure',
      message: isValid
        ? `beforeToolCall of loadTools returned the header "${name.toLowerCase()}", which it must not set.`
        : 'beforeToolCall of loadTools returned a header that is not valid in HTTP.',
      remedy: 'Return only headers of the application, such as x-request-id.',
      contact: 'you',
      server,
    });
  }
}

/**
 * A fetch that adds the headers of the call. They are for the request of the call alone: not for the requests that open a connection,
 * which can happen during a call.
 */
export function addingCallHeaders(fetch: FetchLike): FetchLike {
  return async (input, init) => {
    const added = headersOfCall.getStore();
    if (!added || typeof init?.body !== 'string' || !init.body.includes('"method":"tools/call"'))
      return fetch(input, init);
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(added)) headers.set(name, value);
    return fetch(input, { ...init, headers });
  };
}
