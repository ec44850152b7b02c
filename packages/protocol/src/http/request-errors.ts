import type { IncomingMessage, ServerResponse } from 'node:http';

/** What is wrong with a request that a body parser or a router refused, or `failure` for an error of the server. */
export type RequestFault = 'too_large' | 'malformed' | 'unsupported' | 'failure';

const FAULTS: ReadonlyMap<number, RequestFault> = new Map([
  [413, 'too_large'],
  [415, 'unsupported'],
]);

/** An error handler of Express. Express recognizes it by its four parameters. */
export type ExpressErrorHandler = (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Creates an error handler of Express that answers with the JSON that `bodyOf` returns. Express's own handler answers with an
 * HTML page, which in development contains the stack of the error. Nothing of the error is sent. `onFailure` gets the errors
 * that are not the client's.
 */
export function jsonErrorHandler(
  bodyOf: (fault: RequestFault) => object,
  onFailure: ((error: unknown) => void) | undefined,
): ExpressErrorHandler {
  return (error, _request, response, _next) => {
    const status = statusOf(error);
    const fault = status >= 500 ? 'failure' : (FAULTS.get(status) ?? 'malformed');
    if (fault === 'failure') reportFailure(onFailure, error);
    if (response.headersSent) {
      // The client must not take a part of a response for all of it.
      response.destroy();
      return;
    }
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(JSON.stringify(bodyOf(fault)));
  };
}

/** The status that the error of a body parser has: 400 to 499. Any other error is a failure of the server. */
function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('status' in error)) return 500;
  const { status } = error;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

/** An error of the callback must not change the response. */
function reportFailure(onFailure: ((error: unknown) => void) | undefined, error: unknown): void {
  try {
    onFailure?.(error);
  } catch {}
}
