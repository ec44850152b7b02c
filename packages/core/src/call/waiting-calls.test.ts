import { describe, expect, it } from '@jest/globals';
import { WaitingCalls } from './waiting-calls.ts';

const call = (id: number, session?: string): RequestInit => ({
  body: JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'pay' } }),
  ...(session !== undefined && { headers: { 'mcp-session-id': session } }),
});
const cancel = (requestId: unknown, session?: string): RequestInit => ({
  body: JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }),
  ...(session !== undefined && { headers: { 'mcp-session-id': session } }),
});
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

describe('WaitingCalls', () => {
  it('ends the waiting call that a notification cancels and no other', async () => {
    const waiting = new WaitingCalls();
    const one = waiting.during(call(1), untilAborted);
    let ended = false;
    const two = waiting.during(call(2), untilAborted).finally(() => {
      ended = true;
    });
    expect(waiting.cancel(cancel(1), 'mcp')).toBe(true);
    await expect(one).rejects.toMatchObject({ code: 'cancelled', leg: 'call' });
    expect(ended).toBe(false);
    expect(waiting.cancel(cancel(2), 'mcp')).toBe(true);
    await expect(two).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('does not end a call with the same id in another session', async () => {
    const waiting = new WaitingCalls();
    const one = waiting.during(call(1, 'session-a'), untilAborted);
    expect(waiting.cancel(cancel(1, 'session-b'), 'mcp')).toBe(false);
    expect(waiting.cancel(cancel(1, 'session-a'), 'mcp')).toBe(true);
    await expect(one).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('does not handle a cancellation of a call that has been sent, so that the server receives it', async () => {
    const waiting = new WaitingCalls();
    await waiting.during(call(1), async () => 'token');
    expect(waiting.cancel(cancel(1), 'mcp')).toBe(false);
  });

  it.each([undefined, '', '{', '[]', '"notifications/cancelled"', '{"method":"notifications/cancelled"}'])(
    'ends no call for the body %p',
    async (body) => {
      const waiting = new WaitingCalls();
      const controller = new AbortController();
      const one = waiting.during({ ...call(1), signal: controller.signal }, untilAborted);
      expect(waiting.cancel(body === undefined ? {} : { body }, 'mcp')).toBe(false);
      controller.abort(new Error('done'));
      await expect(one).rejects.toThrow('done');
    },
  );
});
