/**
 * The same body, whose chunks `take` sees when they are read. If it returns false, the body ends before that chunk; if it throws, the body
 * fails with that error. A stream of notifications stays open for as long as its connection, and a TransformStream would take several
 * times the memory of this one.
 */
export function watchedBody(
  body: ReadableStream<Uint8Array>,
  take: (chunk: Uint8Array) => boolean,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const cancel = (reason?: unknown) => void reader.cancel(reason).catch(() => undefined);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        try {
          if (take(value)) return controller.enqueue(value);
        } catch (error) {
          cancel(error);
          throw error;
        }
        cancel();
        controller.close();
      },
      cancel: async (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
