import { describe, expect, it } from '@jest/globals';
import { watchedStream } from './stream-watch.ts';

const URL = 'http://127.0.0.1/mcp';

/** Answers each request with the next of these statuses. `0`: the request fails. Returns what was reported, in order. */
async function reported(
  ...answers: readonly (number | { readonly status: number; readonly lastEventId: string })[]
): Promise<string[]> {
  const events: string[] = [];
  const watched = watchedStream(
    async (_input, init) => {
      const status = Number(new Headers(init?.headers).get('x-status'));
      if (status === 0) throw new TypeError('fetch failed');
      return Promise.resolve(new Response(null, { status }));
    },
    { onReopened: () => events.push('reopened'), onLost: () => events.push('lost') },
  );
  for (const answer of answers) {
    const { status, lastEventId } = typeof answer === 'number' ? { status: answer, lastEventId: undefined } : answer;
    const headers = { 'x-status': String(status), ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) };
    await watched(URL, { method: 'GET', headers }).catch(() => undefined);
  }
  return events;
}

describe('watchedStream', () => {
  it.each([
    ['is opened', [200], []],
    ['is not offered', [405], []],
    ['was never open', [404, 0, 0, 0], []],
    ['is opened again', [200, 200], ['reopened']],
    ['is continued after its last event', [200, { status: 200, lastEventId: '7' }], []],
    ['is opened again at the second attempt', [200, 0, 200], ['reopened']],
    ['cannot be opened again in two attempts', [200, 0, 503], ['lost']],
    ['cannot be opened again, and the SDK tries more often than we know', [200, 0, 0, 0, 0], ['lost']],
    ['belongs to a session that the server has lost', [200, 404], ['lost']],
    ['belongs to a session that the server has ended', [200, 410, 410], ['lost']],
    ['is no longer offered', [200, 405, 405], []],
  ] as const)('reports about a stream that %s: %j', async (_what, answers, events) => {
    expect(await reported(...answers)).toEqual(events);
  });

  it('reports nothing about other requests, and nothing after an abort', async () => {
    const events: string[] = [];
    let fails = false;
    const watched = watchedStream(
      async () => {
        if (fails) throw new TypeError('fetch failed');
        return Promise.resolve(new Response());
      },
      { onReopened: () => events.push('reopened'), onLost: () => events.push('lost') },
    );
    await watched(URL, { method: 'GET' });
    fails = true;
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await expect(watched(URL, { method: 'POST' })).rejects.toThrow('fetch failed');
      await expect(watched(URL, { method: 'GET', signal: AbortSignal.abort() })).rejects.toThrow('fetch failed');
    }
    expect(events).toEqual([]);
  });
});
