import { setImmediate } from 'node:timers/promises';
import { refusalOf, type ToolsChange } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { stopTimeouts, whileTimePasses } from '../support/faked-time.ts';
import { callAsAgent, type LangchainWorld, startLangchainWorld, toolNamed } from '../support/langchain-world.ts';
import {
  type ChangingFixture,
  changingTool,
  type FixtureOptions,
  startChanging2025,
  startChanging2026,
} from '../support/mcp-servers/index.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

const SERVERS = [
  { title: 'SDK v1 and a server of 2025', sdk: 'v1', start: startChanging2025 },
  { title: 'SDK v2 and a server of 2025', sdk: 'v2', start: startChanging2025 },
  { title: 'SDK v2 and a server of 2026-07-28', sdk: 'v2', start: startChanging2026 },
] as const;

describe.each(SERVERS)('the set of tools with $title', ({ sdk, start }) => {
  /** A server with these tools, their loaded tools, and the changes that are reported. */
  async function loaded(...names: string[]) {
    const server = await started(start);
    server.tools = names.map((name) => changingTool(name));
    const changes = reports();
    const tools = await world.load({ s: server.url }, { sdk, onChanged: changes.add });
    await subscribed(server);
    return { server, changes, tools };
  }

  it('has a tool that the server adds, and no longer one that it removes', async () => {
    const { server, changes, tools } = await loaded('one', 'two');
    const before = tools.tools;
    server.tools = [changingTool('two'), changingTool('three')];
    await server.announce();

    const change = await changes.next();
    expect(namesIn(change)).toEqual({ server: 's', joined: ['s__three'], changed: [], left: ['s__one'] });
    expect(tools.tools.map(({ name }) => name)).toEqual(['s__two', 's__three']);
    expect(before.map(({ name }) => name)).toEqual(['s__one', 's__two']);
    expect(tools.tools[0]).toBe(before[1]);
    expect((await callAsAgent(toolNamed(tools, 's__three'))).text).toContain('three ran');
  });

  it('answers a call of a removed tool with an error, and runs the same object when the tool is there again', async () => {
    const { server, changes, tools } = await loaded('one', 'two');
    const one = toolNamed(tools, 's__one');
    server.tools = [changingTool('two')];
    await server.announce();
    await changes.next();

    const answer = await callAsAgent(one);
    expect(answer).toMatchObject({
      status: 'error',
      text: expect.stringContaining('does not list this tool any more'),
    });
    expect(refusalOf(answer)?.error).toMatchObject({ code: 'tool_removed', server: 's', contact: 'server-owner' });
    await expect(one.invoke({})).rejects.toMatchObject({ cause: { code: 'tool_removed' } });
    expect(server.executed).toEqual([]);

    server.tools = [changingTool('one'), changingTool('two')];
    await server.announce();
    expect(namesIn(await changes.next())).toMatchObject({ joined: ['s__one'], changed: [], left: [] });
    expect(tools.tools[0]).toBe(one);
    expect((await callAsAgent(one)).text).toContain('one ran');
  });

  it('gives a tool whose schema changes the new schema, in the same object', async () => {
    const { server, changes, tools } = await loaded('one');
    const one = toolNamed(tools, 's__one');
    server.tools = [{ ...changingTool('one', 'city'), description: 'Needs a city' }];
    await server.announce();

    expect(namesIn(await changes.next())).toMatchObject({ joined: [], changed: ['s__one'], left: [] });
    expect(tools.tools).toEqual([one]);
    expect(one).toMatchObject({ description: 'Needs a city', schema: { properties: { city: { type: 'string' } } } });
    await expect(one.invoke({ city: 3 })).rejects.toThrow('did not match expected schema');
    expect((await callAsAgent(one, { city: 'Oslo' })).text).toContain('one ran');
    expect(server.executed).toEqual(['one {"city":"Oslo"}']);
  });

  it('keeps the name of a present tool when a new one would make it ambiguous', async () => {
    const { server, changes, tools } = await loaded('a-b');
    server.tools = [changingTool('a_b'), changingTool('a-b')];
    await server.announce();
    const change = await changes.next();
    expect(tools.tools.map(({ name }) => name)).toEqual([expect.stringMatching(/^s__a_b_[0-9a-f]{16}$/u), 's__a-b']);
    expect(namesIn(change).left).toEqual([]);
  });

  it('does not read a list again and again for a server that announces changes without end', async () => {
    const { server, changes, tools } = await loaded('one');
    const listed = () => server.count('tools/list')[200];
    const before = listed();
    for (let turn = 1; turn <= 200; turn += 1) {
      server.tools = [changingTool(`tool-${turn}`)];
      await server.announce();
    }
    while (tools.tools[0]?.name !== 's__tool-200') await changes.next();
    expect(listed() - before).toBeLessThan(8);
  });

  it('has the tools of a server that was restarted with others, without a call, and keeps those that stay', async () => {
    const { server, changes, tools } = await loaded('one', 'two');
    const [one] = tools.tools;
    server.tools = [changingTool('one'), changingTool('new')];
    // The SDKs wait a second before they open the stream again.
    stopTimeouts();
    await server.restart();
    const change = await whileTimePasses(changes.next(), () => true);
    jest.useRealTimers();
    expect(namesIn(change)).toMatchObject({ joined: ['s__new'], left: ['s__two'] });
    expect(tools.tools[0]).toBe(one);
    expect(tools.failures).toEqual([]);

    await subscribed(server, 2);
    server.tools = [changingTool('one')];
    await server.announce();
    expect(namesIn(await changes.next())).toMatchObject({ left: ['s__new'] });
  });

  it('is read again by reload, and a server without changes causes no report', async () => {
    const { server, changes, tools } = await loaded('one');
    const before = tools.tools;
    await tools.reload();
    expect(tools.tools).toEqual(before);
    server.tools = [changingTool('one'), changingTool('two')];
    await Promise.all([tools.reload(), tools.reload(['s'])]);
    expect(tools.tools.map(({ name }) => name)).toEqual(['s__one', 's__two']);
    expect(namesIn(await changes.next())).toMatchObject({ joined: ['s__two'] });
    expect(changes.count()).toBe(1);
  });
});

async function started(start: (options: FixtureOptions) => Promise<ChangingFixture>): Promise<ChangingFixture> {
  const server = await start({ verify: world.oauth.as.verify });
  world.onClose(async () => server.close());
  return server;
}

/** Waits until the client gets notifications of the server. */
async function subscribed(server: ChangingFixture, times = 1): Promise<void> {
  const streams = () => server.count('GET')[200] + server.count('subscriptions/listen')[200];
  while (streams() < times) await setImmediate();
}

/** Collects the changes that `onChanged` gets. */
function reports() {
  const waiting: ToolsChange[] = [];
  let count = 0;
  let arrived = () => {};
  return {
    add: (change: ToolsChange) => {
      count += 1;
      waiting.push(change);
      arrived();
    },
    count: () => count,
    async next(): Promise<ToolsChange> {
      for (;;) {
        const change = waiting.shift();
        if (change) return change;
        await new Promise<void>((resolve) => (arrived = resolve));
      }
    },
  };
}

function namesIn({ server, joined, changed, left }: ToolsChange) {
  const names = (tools: ToolsChange['joined']) => tools.map(({ name }) => name);
  return { server, joined: names(joined), changed: names(changed), left: names(left) };
}
