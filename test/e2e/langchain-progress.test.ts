import { refusalOf } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { stopTimeouts } from '../support/faked-time.ts';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  type RpcRequest,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import type { Wire } from '../support/peer.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => {
  jest.useRealTimers();
  await world.close();
});

/** Waits by turns of the event loop, because the timers are faked. */
async function until(condition: () => boolean): Promise<void> {
  const latestMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > latestMs) throw new Error(`did not become true: ${String(condition)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets what was written arrive at the other side. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A server whose tool `work` reports progress and ends when the test says so. */
async function worker() {
  const calls: { request: RpcRequest; wire: Wire; event: (message: object) => Promise<void> }[] = [];
  const server = await world.serve({
    'tools/list': () => ({ result: { tools: [listed('work')] } }),
    'tools/call': (request) => ({
      http: {
        async onWire(wire) {
          const event = async (message: object) => {
            await wire.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
          };
          wire.response.writeHead(200, { 'content-type': 'text/event-stream' });
          wire.response.flushHeaders();
          calls.push({ request, wire, event });
          await new Promise((resolve) => wire.signal.addEventListener('abort', resolve));
        },
      },
    }),
  });
  const call = async () => {
    await until(() => calls.length > 0);
    const [first] = calls;
    if (!first) throw new Error('no call');
    const { request, event, wire } = first;
    const { progressToken } = (request.params['_meta'] ?? {}) as { progressToken?: unknown };
    return {
      request,
      wire,
      progress: async (progress: number, message?: string) =>
        event({ method: 'notifications/progress', params: { progressToken, progress, total: 10, message } }),
      end: async () => {
        await event({ id: request.id, result: { content: [{ type: 'text', text: 'done' }] } });
        wire.response.end();
      },
    };
  };
  return { server, call, url: server.url };
}

describe.each(['v1', 'v2'] as const)('the progress of a call with SDK %s', (sdk) => {
  it('starts the time limit again if that is asked for, and is reported with the server and the tool', async () => {
    const { url, call } = await worker();
    const reports: unknown[] = [];
    const options = {
      sdk,
      toolTimeoutMs: 300,
      resetTimeoutOnProgress: true,
      onProgress: (...report: unknown[]) => void reports.push(report),
    };
    const tool = toolNamed(await world.load({ s: url }, options), 's__work');
    stopTimeouts();
    const result = callAsAgent(tool, { a: 1 });
    const { progress, end } = await call();
    for (let step = 1; step <= 4; step += 1) {
      await progress(step, `step ${step}\u0007\u202e`);
      await turns();
      await jest.advanceTimersByTimeAsync(200);
    }
    await end();
    expect((await result).text).toBe('done');
    expect(reports.at(0)).toEqual([
      { progress: 1, total: 10, message: 'step 1' },
      { type: 'tool', name: 'work', args: { a: 1 }, server: 's' },
    ]);
    expect(reports.at(-1)).toMatchObject([{ progress: 4 }, { server: 's' }]);
  });

  it('starts no time limit again if that is not asked for', async () => {
    const { url, call, server } = await worker();
    const tool = toolNamed(await world.load({ s: url }, { sdk, toolTimeoutMs: 150 }), 's__work');
    const result = callAsAgent(tool);
    const { progress, request } = await call();
    await progress(1);
    expect(refusalOf(await result)?.error.code).toBe('timeout');
    await until(() => server.received('notifications/cancelled').length === 1);
    expect(server.received('notifications/cancelled')[0]?.params).toMatchObject({ requestId: request.id });
  });

  it('does not extend a call beyond the total limit: the call is cancelled, and its stream is closed', async () => {
    const { url, call, server } = await worker();
    const options = { sdk, toolTimeoutMs: 300, resetTimeoutOnProgress: true, maxTotalTimeoutMs: 1_000 };
    const tool = toolNamed(await world.load({ s: url }, options), 's__work');
    stopTimeouts();
    let isSettled = false;
    const result = callAsAgent(tool).finally(() => (isSettled = true));
    const { progress, request, wire } = await call();
    let steps = 0;
    while (!isSettled && steps < 20) {
      steps += 1;
      await progress(steps);
      await turns();
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(refusalOf(await result)?.error).toMatchObject({
      code: 'timeout',
      server: 's',
      message: expect.stringContaining('1000 milliseconds in total'),
    });
    expect(steps).toBe(10);
    await until(() => server.received('notifications/cancelled').length === 1);
    expect(server.received('notifications/cancelled')[0]?.params).toMatchObject({ requestId: request.id });
    await until(() => wire.signal.aborted);
  });

  it('has a total limit of ten minutes by default', async () => {
    const { url, call } = await worker();
    const options = { sdk, toolTimeoutMs: 60_000, resetTimeoutOnProgress: true };
    const tool = toolNamed(await world.load({ s: url }, options), 's__work');
    stopTimeouts();
    let isSettled = false;
    const result = callAsAgent(tool).finally(() => (isSettled = true));
    const { progress } = await call();
    let minutes = 0;
    while (!isSettled && minutes < 20) {
      minutes += 0.5;
      await progress(minutes);
      await turns();
      await jest.advanceTimersByTimeAsync(30_000);
    }
    expect(refusalOf(await result)?.error.code).toBe('timeout');
    expect(minutes).toBe(10);
  });

  it('of a callback that throws or rejects does not change the result', async () => {
    const { url, call } = await worker();
    const onProgress = async () => Promise.reject(new Error('the display is broken'));
    const tool = toolNamed(await world.load({ s: url }, { sdk, onProgress }), 's__work');
    const result = callAsAgent(tool);
    const { progress, end } = await call();
    await progress(1);
    await end();
    expect((await result).text).toBe('done');
  });

  it('is reported at most 100 times a second, and the last report is never left out', async () => {
    const { url, call } = await worker();
    const reports: number[] = [];
    const onProgress = ({ progress }: { progress: number }) => void reports.push(progress);
    const tool = toolNamed(await world.load({ s: url }, { sdk, onProgress }), 's__work');
    const startedMs = performance.now();
    const result = callAsAgent(tool);
    const { progress, end } = await call();
    for (let step = 1; step <= 2_000; step += 1) await progress(step);
    await end();
    expect((await result).text).toBe('done');
    expect(reports.length).toBeLessThanOrEqual((performance.now() - startedMs) / 10 + 2);
    expect(reports.at(-1)).toBe(2_000);
  });

  it('a call that the caller aborts is cancelled at the server', async () => {
    const { url, call, server } = await worker();
    const tool = toolNamed(await world.load({ s: url }, { sdk, maxTotalTimeoutMs: 60_000 }), 's__work');
    const caller = new AbortController();
    const input = { type: 'tool_call' as const, id: '1', name: tool.name, args: {} };
    const result = tool.invoke(input, { signal: caller.signal });
    const { request, wire } = await call();
    caller.abort(new Error('no longer wanted'));
    await expect(result).rejects.toThrow('no longer wanted');
    await until(() => server.received('notifications/cancelled').length === 1);
    expect(server.received('notifications/cancelled')[0]?.params).toMatchObject({ requestId: request.id });
    await until(() => wire.signal.aborted);
  });
});
