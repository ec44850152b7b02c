import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventStreams } from './event-streams.ts';
import { OpenCalls } from './open-calls.ts';

const URL_ = 'https://mcp.example/mcp';

/** A server that ends each event stream after one event with a new id, and the fetch of a client of it. */
function world() {
  let lastId = 0;
  const calls = new OpenCalls();
  const delivered: object[] = [];
  calls.deliverBy((message) => delivered.push(message));
  const streams = new EventStreams('notes', calls);
  const limited = streams.limiting(async () => {
    lastId += 1;
    return new Response(`id: ${lastId}\ndata: \n\n`, { headers: { 'content-type': 'text/event-stream' } });
  });
  const fetch = calls.watching(limited, undefined);
  return {
    delivered,
    opened: () => lastId,
    /** Sends the call with the id 1, and reads its stream to the end. */
    call: async () => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call' });
      await (await fetch(URL_, { method: 'POST', body })).text();
    },
    /** Opens the stream again with the last id, and reads it to the end. Returns the status. */
    resume: async () => {
      const response = await fetch(URL_, { method: 'GET', headers: { 'last-event-id': String(lastId) } });
      await response.text();
      return response.status;
    },
  };
}

describe('the event stream of a call that ends without a response', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is opened again 60 times in a minute, and the next time after the minute', async () => {
    const { call, resume, opened } = world();
    await call();
    for (let count = 0; count < 60; count += 1) await resume();
    expect(opened()).toBe(61);
    const next = resume();
    await jest.advanceTimersByTimeAsync(59_000);
    expect(opened()).toBe(61);
    await jest.advanceTimersByTimeAsync(1_000);
    await next;
    expect(opened()).toBe(62);
  });

  it('is opened again 1,000 times, and then the call ends with an error', async () => {
    const { call, resume, opened, delivered } = world();
    await call();
    let status = 200;
    for (let count = 0; count < 1_100 && status === 200; count += 1) {
      const resumed = resume();
      await jest.advanceTimersByTimeAsync(count % 60 === 0 ? 60_000 : 0);
      status = await resumed;
    }
    expect(status).toBe(405);
    expect(opened()).toBe(1_001);
    expect(delivered).toEqual([
      expect.objectContaining({
        id: 1,
        error: expect.objectContaining({ data: expect.objectContaining({ code: 'invalid_response' }) }),
      }),
    ]);
  });
});
