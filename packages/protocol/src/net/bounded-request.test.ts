import { describe, expect, it, jest } from '@jest/globals';
import { BodyTooLargeError } from '../text/bounded-text.ts';
import { boundedRequest, RequestTimeoutError } from './bounded-request.ts';
import type { FetchLike } from './fetch-like.ts';

const REQUEST_URL = 'https://as.example/token';
const LIMITS = { timeoutMs: 50, maxBytes: 100 };

function streamOf(chunks: readonly string[], onCancel: () => void = () => undefined): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const next = left.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(next));
    },
    cancel: onCancel,
  });
}

it('returns the complete response and follows no redirect', async () => {
  const seen: RequestInit[] = [];
  const fetch: FetchLike = async (_url, init = {}) => {
    seen.push(init);
    return new Response('there', { status: 302, headers: { location: 'https://evil.example/' } });
  };
  const answer = await boundedRequest(fetch, REQUEST_URL, { method: 'POST', body: 'x' }, LIMITS);
  expect(answer).toMatchObject({ status: 302, isRedirect: true, text: 'there' });
  expect(seen).toMatchObject([{ method: 'POST', body: 'x', redirect: 'manual' }]);
});

it('stops reading a body that is too large, and cancels the stream', async () => {
  const onCancel = jest.fn();
  const body = streamOf(
    Array.from({ length: 1000 }, () => 'x'.repeat(60)),
    onCancel,
  );
  const fetch: FetchLike = async () => new Response(body);
  await expect(boundedRequest(fetch, REQUEST_URL, {}, LIMITS)).rejects.toBeInstanceOf(BodyTooLargeError);
  expect(onCancel).toHaveBeenCalledTimes(1);
});

describe('a request to a peer that does not respond in time', () => {
  const silent = new Promise<never>(() => undefined);
  it.each<[string, FetchLike]>([
    ['ignores the signal', () => silent],
    ['sends headers and never ends the body', async () => new Response(new ReadableStream({ pull: () => silent }))],
    [
      'rejects with another error when it is aborted',
      (_url, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(new Error('another error')));
        }),
    ],
  ])('rejects with RequestTimeoutError if fetch %s', async (_how, fetch) => {
    await expect(boundedRequest(fetch, REQUEST_URL, {}, LIMITS)).rejects.toBeInstanceOf(RequestTimeoutError);
  });
});

it.each([true, false])(
  'rejects with the reason of an aborted signal (aborted before the request: %p)',
  async (before) => {
    const caller = new AbortController();
    const reason = new Error('the caller gave up');
    if (before) caller.abort(reason);
    else setImmediate(() => caller.abort(reason));
    const fetch: FetchLike = () => new Promise(() => undefined);
    await expect(boundedRequest(fetch, REQUEST_URL, { signal: caller.signal }, LIMITS)).rejects.toBe(reason);
  },
);

it("removes its listeners from the caller's signal", async () => {
  const { signal } = new AbortController();
  const added = jest.spyOn(signal, 'addEventListener');
  const removed = jest.spyOn(signal, 'removeEventListener');
  await boundedRequest(async () => new Response('ok'), REQUEST_URL, { signal }, LIMITS);
  expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
});
