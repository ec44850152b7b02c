/** How much a server may send in one window on a stream while it answers no request, in bytes. */
export const UNASKED_BYTES = 1_000_000;
export const UNASKED_WINDOW_MS = 10_000;

export function isGet(init: RequestInit | undefined): boolean {
  return (init?.method ?? 'GET').toUpperCase() === 'GET';
}

export function isEventStream({ body, headers }: Response): boolean {
  return body !== null && (headers.get('content-type') ?? '').toLowerCase().startsWith('text/event-stream');
}
