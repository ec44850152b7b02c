import { setImmediate } from 'node:timers/promises';
import type { CredenceEvent } from '@credence/core';
import { type LoadedTools, loadTools, type LoadToolsOptions, type ToolsChange } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { stopTimeouts, whileTimePasses } from '../support/faked-time.ts';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  type RpcHandler,
  type ScriptedServer,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import { refusal } from '../support/oauth-world.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => {
  jest.useRealTimers();
  await world.close();
});

/** Pauses of tests that do not measure them. */
const SOON = { firstMs: 5, maxMs: 20 };
const done = { result: { content: [{ type: 'text', text: 'done' }] } };

/** A server that is down until it is started: it answers with 503, or as `whileAway` says. */
async function late(tools: readonly object[], whileAway: RpcHandler = () => ({ http: { status: 503 } })) {
  let isUp = false;
  const answer =
    (result: object): RpcHandler =>
    async (request) =>
      isUp ? { result } : whileAway(request);
  const server = await world.serve({
    initialize: answer({}),
    'tools/list': answer({ tools }),
    'tools/call': answer(done.result),
    ping: answer({}),
  });
  return { ...server, start: () => void (isUp = true), stop: () => void (isUp = false) };
}

async function working(...names: string[]): Promise<ScriptedServer> {
  return world.serve({
    'tools/list': () => ({ result: { tools: names.map((name) => listed(name)) } }),
    'tools/call': () => done,
  });
}

function namesOf({ tools }: LoadedTools): string[] {
  return tools.map(({ name }) => name);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setImmediate();
}

/** Loads tools, and returns with them the first change that is reported. */
async function loadWatched(servers: Readonly<Record<string, string>>, options: LoadToolsOptions) {
  let changed: (change: ToolsChange) => void = () => {};
  const change = new Promise<ToolsChange>((resolve) => (changed = resolve));
  return { loaded: await world.load(servers, { ...options, onChanged: changed }), change };
}

describe.each(['v1', 'v2'] as const)('a server that is down, with SDK %s', (sdk) => {
  it('is a failure, is tried again in the background, and joins', async () => {
    const [up, down] = [await working('echo'), await late([listed('search')])];
    const { loaded, change } = await loadWatched({ down: down.url, up: up.url }, { sdk, retry: SOON });
    expect(namesOf(loaded)).toEqual(['up__echo']);
    expect(loaded.failures).toMatchObject([{ server: 'down', loaded: 0, error: { code: 'peer_unavailable' } }]);
    const before = loaded.tools;

    down.start();
    const { server, joined, changed, left, failures } = await change;
    expect({ server, joined: joined.map(({ name }) => name), changed, left, failures }).toEqual({
      server: 'down',
      joined: ['down__search'],
      changed: [],
      left: [],
      failures: [],
    });
    expect(namesOf(loaded)).toEqual(['down__search', 'up__echo']);
    expect(loaded.failures).toEqual([]);
    expect(before).toHaveLength(1);
    expect(loaded.tools[1]).toBe(before[0]);
    expect((await callAsAgent(toolNamed(loaded, 'down__search'))).text).toBe('done');
  });

  it('joins at once by reload, which resolves when it is there', async () => {
    const down = await late([listed('search')]);
    const loaded = await world.load({ down: down.url }, { sdk, retry: false });
    await loaded.reload();
    expect(namesOf(loaded)).toEqual([]);
    down.start();
    await loaded.reload(['down']);
    expect(namesOf(loaded)).toEqual(['down__search']);
    expect(loaded.failures).toEqual([]);
  });

  it('does not keep loadTools waiting longer than the deadline, and joins when it answers', async () => {
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const slow = await late([listed('search')], async () => {
      await answered;
      return { result: {} };
    });
    const up = await working('echo');
    stopTimeouts();
    const { loaded, change } = await whileTimePasses(
      loadWatched({ slow: slow.url, up: up.url }, { sdk, deadlineMs: 5_000 }),
      () => slow.received('initialize').length > 0 && up.received('tools/list').length > 0,
    );
    jest.useRealTimers();
    expect(namesOf(loaded)).toEqual(['up__echo']);
    expect(loaded.failures).toMatchObject([
      { server: 'slow', loaded: 0, error: { code: 'timeout', leg: 'call', retryable: true } },
    ]);
    expect(loaded.failuresAsText()).toContain('"slow"');
    slow.start();
    answer();
    await change;
    expect(namesOf(loaded)).toEqual(['slow__search', 'up__echo']);
    expect(slow.received('initialize')).toHaveLength(1);
    expect(loaded.failuresAsText()).toBe('');
  });

  it('does not keep loadTools waiting at all with a deadline of 0', async () => {
    const up = await working('echo');
    const { loaded, change } = await loadWatched({ up: up.url }, { sdk, deadlineMs: 0 });
    expect(namesOf(loaded)).toEqual([]);
    await change;
    expect(namesOf(loaded)).toEqual(['up__echo']);
  });

  it('keeps its tools, as the same objects, if it goes away after loading and comes back', async () => {
    const server = await late([listed('search')]);
    server.start();
    const loaded = await world.load({ s: server.url }, { sdk, retry: SOON });
    const search = toolNamed(loaded, 's__search');
    server.stop();
    await loaded.reload();
    expect(loaded.failures).toMatchObject([{ server: 's', loaded: 1, error: { code: 'peer_unavailable' } }]);
    expect(loaded.failuresAsText()).toContain('"s"');
    expect(loaded.tools[0]).toBe(search);
    expect((await callAsAgent(search)).status).toBe('error');

    server.start();
    await until(() => loaded.failures.length === 0);
    expect(loaded.tools[0]).toBe(search);
    expect((await callAsAgent(search)).text).toBe('done');
  });

  it('has the same names if it joins later as if it had been there from the start', async () => {
    const names = ['echo', 'a-b', 'a_b', 'b__c'];
    const [first, second] = [await late(names.map((name) => listed(name))), await working('b__c', 'echo', 'c')];
    const servers = { a: first.url, a__b: second.url };
    const { loaded, change } = await loadWatched(servers, { sdk, retry: SOON });
    const alone = namesOf(loaded);
    first.start();
    await change;
    const together = await world.load(servers, { sdk });
    expect(namesOf(loaded)).toEqual(namesOf(together));
    expect(namesOf(loaded).slice(names.length)).toEqual(alone);
    expect(new Set(namesOf(loaded).map((name) => name.replaceAll('-', '_'))).size).toBe(names.length + 3);
  });
});

describe('attempts to reach a missing server', () => {
  it('are made ever more rarely', async () => {
    const down = await late([]);
    stopTimeouts();
    const attempts = () => down.received('initialize').length;
    const retry = { firstMs: 1_000, maxMs: 8_000 };
    await whileTimePasses(world.load({ down: down.url }, { retry }), () => attempts() > 0);
    const perMinute: number[] = [];
    for (const _minute of [1, 2]) {
      const before = attempts();
      for (let second = 1; second <= 60; second += 1) await aSecond();
      perMinute.push(attempts() - before);
    }
    // 1, 2, 4, 8, 8, ... seconds, each up to a quarter shorter
    expect(perMinute[0]).toBeGreaterThanOrEqual(8);
    expect(perMinute[0]).toBeLessThanOrEqual(12);
    expect(perMinute[1]).toBeGreaterThanOrEqual(7);
    expect(perMinute[1]).toBeLessThanOrEqual(11);
  });

  it('add no request at an IdP that has refused, and are no more than its pauses allow', async () => {
    const server = await working('echo');
    const { script } = world.oauth.idp;
    script.always('exchange', refusal('access_denied'));
    const bot = world.bot({ s: server.url });
    const loaded = await loadTools(bot, ['s'], { retry: { firstMs: 1, maxMs: 1 } });
    world.onClose(loaded.close);
    expect(loaded.failures).toMatchObject([{ error: { code: 'access_denied', contact: 'idp-admin' } }]);
    stopTimeouts();
    // The clock of the principal stands still meanwhile, so its pause of about a second does not end.
    for (let second = 1; second <= 20; second += 1) await aSecond();
    expect(script.count('exchange')).toBe(1);
    expect(bot.status().servers['s']?.failedCalls).toBeLessThan(40);
  });

  it('are made at once by reload, also during the pause after a refusal', async () => {
    const server = await working('echo');
    const { script } = world.oauth.idp;
    script.always('exchange', refusal('access_denied'));
    const loaded = await world.load({ s: server.url });
    await loaded.reload();
    expect(loaded.failures).toMatchObject([{ error: { code: 'access_denied' } }]);
    script.reset();
    await loaded.reload();
    expect(loaded.failures).toEqual([]);
    expect(namesOf(loaded)).toEqual(['s__echo']);
  });

  it('are not made for a server that is not configured', async () => {
    const server = await working('echo');
    const bot = world.bot({ s: server.url });
    const loaded = await loadTools(bot, ['s', 'unknown'], { retry: SOON });
    world.onClose(loaded.close);
    expect(loaded.failures).toMatchObject([{ server: 'unknown', error: { code: 'unknown_server' } }]);
    await loaded.reload();
    await expect(loaded.reload(['unknown'])).rejects.toMatchObject({ code: 'unknown_server' });
    expect(namesOf(loaded)).toEqual(['s__echo']);
  });
});

/** Advances the faked time, and lets requests on loopback be answered. */
async function aSecond(): Promise<void> {
  await jest.advanceTimersByTimeAsync(1_000);
  for (let turn = 1; turn <= 20; turn += 1) await setImmediate();
}

describe('onChanged', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('a secret of the application');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('a secret of the application'))],
  ])('that %s harms neither the tools nor the process, and causes a warning', async (_how, onChanged) => {
    const down = await late([listed('search')]);
    const events: CredenceEvent[] = [];
    const bot = world.bot({ down: down.url }, { onEvent: (event) => events.push(event) });
    const loaded = await loadTools(bot, ['down'], { retry: SOON, onChanged });
    world.onClose(loaded.close);
    down.start();
    const warnings = () => events.filter(({ type }) => type === 'warning');
    await until(() => warnings().length > 0);
    expect(warnings()).toMatchObject([{ server: 'down', message: expect.stringContaining('onChanged') }]);
    expect(JSON.stringify(events)).not.toContain('a secret of the application');
    expect(namesOf(loaded)).toEqual(['down__search']);
    await loaded.reload();
  });
});

describe('invalid options', () => {
  it.each([
    [{ deadlineMs: -1 }, 'deadlineMs'],
    [{ deadlineMs: Infinity }, 'deadlineMs'],
    [{ retry: { firstMs: 0 } }, 'retry'],
    [{ retry: true }, 'retry'],
    [{ onChanged: 'log' }, 'onChanged'],
  ])('%j are refused with the name of the option', async (options, name) => {
    const server = await working('echo');
    await expect(world.load({ s: server.url }, options as LoadToolsOptions)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining(name),
      remedy: expect.stringContaining('deadlineMs'),
    });
  });
});
