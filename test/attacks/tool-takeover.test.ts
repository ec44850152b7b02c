import { accessMiddleware, toolOrigin } from '@credence/langchain';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';
import { type LangchainWorld, listed, type ScriptedServer, startLangchainWorld } from '../support/langchain-world.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

/** A server with these tools. Each answers with the name of the server and its own. */
async function serverWith(name: string, tools: readonly string[]): Promise<ScriptedServer> {
  return world.serve({
    'tools/list': () => ({ result: { tools: tools.map((tool) => listed(tool)) } }),
    'tools/call': ({ params }) => ({
      result: { content: [{ type: 'text', text: JSON.stringify([name, params['name']]) }] },
    }),
  });
}

/** Each server is configured under its name, and has these tools. */
type World = Readonly<Record<string, readonly string[]>>;

const TAKEOVERS: readonly [string, World][] = [
  ['`a__b` of `x` and `b` of `x__a`', { x: ['a__b'], x__a: ['b'] }],
  ['- and _', { 'mail-box': ['send'], mail_box: ['send'] }],
  ['a dot and _', { 'mail.box': ['send'], mail_box: ['send'] }],
  ['names longer than 64 characters', { ['s'.repeat(40)]: [`${'t'.repeat(40)}1`, `${'t'.repeat(40)}2`] }],
  ['a forged hash', { x: ['a__b', 'a__b_0123456789abcdef'], x__a: ['b', 'b_0123456789abcdef'] }],
  ['names that are equal without their forbidden characters', { x: ['größe', 'gr-ße', 'gr??e', 'gr__e'] }],
  ['look-alikes of ASCII letters', { x: ['delete', 'dеlete', 'delеte'] }],
];

async function loadedWorld(tools: World, names = Object.keys(tools)) {
  const servers = await Promise.all(
    names.map(async (name) => [name, await serverWith(name, tools[name] ?? [])] as const),
  );
  return world.load(Object.fromEntries(servers.map(([name, { url }]) => [name, url])));
}

describe('the names of tools', () => {
  it.each(TAKEOVERS)('cannot be taken over by %s: each call reaches the origin of its tool', async (_what, tools) => {
    const loaded = await loadedWorld(tools);
    expect(loaded.failures).toEqual([]);
    const compared = loaded.tools.map(({ name }) => name.replaceAll('-', '_'));
    expect(new Set(compared).size).toBe(loaded.tools.length);
    for (const tool of loaded.tools) {
      expect(tool.name).toMatch(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/u);
      const origin = toolOrigin(tool);
      expect(await tool.invoke({})).toBe(JSON.stringify([origin?.server, origin?.tool]));
    }
  });

  it('do not depend on the order of the servers, nor on a server that is down', async () => {
    const tools: World = { x: ['a__b', 'plain'], x__a: ['b'], other: ['b'] };
    const byOrigin = (loaded: Awaited<ReturnType<typeof loadedWorld>>) =>
      Object.fromEntries(loaded.tools.map((tool) => [JSON.stringify(toolOrigin(tool)), tool.name]));
    const all = byOrigin(await loadedWorld(tools));
    expect(byOrigin(await loadedWorld(tools, ['other', 'x__a', 'x']))).toEqual(all);

    const [x, other] = [await serverWith('x', ['a__b', 'plain']), await serverWith('other', ['b'])];
    const down = await world.serve({ initialize: () => ({ http: { status: 503 } }) });
    const rest = byOrigin(await world.load({ x: x.url, x__a: down.url, other: other.url }));
    expect(Object.keys(rest)).toHaveLength(3);
    expect(all).toMatchObject(rest);
  });
});

describe('accessMiddleware', () => {
  it('hides and approves by server and tool, also if another server offers a tool whose name looks the same', async () => {
    const loaded = await loadedWorld({ x: ['a__b'], x__a: ['b'] });
    const name = (server: string) => loaded.tools.find((tool) => toolOrigin(tool)?.server === server)?.name ?? '';
    const offered: string[][] = [];
    const asked: unknown[] = [];
    const model = fakeModel();
    const bindTools = model.bindTools.bind(model);
    model.bindTools = (tools) => {
      offered.push(tools.map((each) => each.name));
      return bindTools(tools);
    };
    for (const [index, server] of ['x__a', 'x'].entries()) {
      const call = { type: 'tool_call', id: `call-${index}`, name: name(server), args: {} } as const;
      model.respond(() => new AIMessage({ content: '', tool_calls: [call] }));
    }
    model.respond(new AIMessage('done'));
    const agent = createAgent({
      model,
      tools: loaded.tools,
      middleware: [
        accessMiddleware({
          hide: ({ server, tool }) => server === 'x__a' && tool === 'b',
          approve(call) {
            asked.push([call.server, call.tool]);
            return true;
          },
        }),
      ],
    });
    const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] });
    const answers = messages.filter((message) => ToolMessage.isInstance(message));
    expect(offered.every((names) => names.join() === name('x'))).toBe(true);
    expect(answers.map(({ status }) => status)).toEqual(['error', 'success']);
    expect(answers[1]?.text).toBe('["x","a__b"]');
    expect(asked).toEqual([['x', 'a__b']]);
  });
});
