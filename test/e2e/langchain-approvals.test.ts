import { accessMiddleware, loadTools, principalPool, refusalOf, stepUpAnswer } from '@credence/langchain';
import { describe, expect, it } from '@jest/globals';
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { Command, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent } from 'langchain';
import { z } from 'zod';
import { startTenantsWorld } from '../support/tenants-world.ts';

const context = z.object({ principal: z.string() });

function calling(name: string, id: string): AIMessage {
  return new AIMessage({ content: '', tool_calls: [{ type: 'tool_call', id, name, args: { run: id } }] });
}

/** What became of the tool calls: the text of the tool, or the code of the refusal. */
function outcomes(messages: readonly BaseMessage[]): string[] {
  return messages
    .filter((message) => ToolMessage.isInstance(message))
    .map((message) => refusalOf(message)?.error.code ?? message.text);
}

/** Holds each caller until as many have come. */
function meetingOf(size: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  return async () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length >= size) for (const go of waiting.splice(0)) go();
    });
}

describe('the interrupt for a step-up of a tool of a pool in a ToolNode', () => {
  it.each([
    ['is resumed for the same tenant, and the call is made', 'acme', ['acme']],
    ['is refused if it is resumed for another tenant, for whom no call is made', 'globex', ['wrong_principal']],
  ])('%s', async (_what, resumedFor, outcome) => {
    const world = await startTenantsWorld(['acme', 'globex'], ['wiki'], { tools: ['write'] });
    const pool = principalPool({ create: (key) => world.create(key), loadTools: { approveStepUp: 'interrupt' } });
    const graph = new StateGraph(MessagesAnnotation, context)
      .addNode('tools', new ToolNode(await pool.tools('globex')))
      .addEdge('__start__', 'tools')
      .compile({ checkpointer: new MemorySaver() });
    const config = { configurable: { thread_id: '1' } };
    await graph.invoke({ messages: [calling('wiki__write', 'one')] }, { ...config, context: { principal: 'acme' } });
    const [interrupt] = (await graph.getState(config)).tasks.flatMap(({ interrupts }) => interrupts);
    expect(interrupt?.value).toMatchObject({ principal: 'acme', server: 'wiki', scopes: ['tools:write'] });
    expect(world.calls).toEqual([]);
    const answer = stepUpAnswer(interrupt?.value, true);
    const resumed = { ...config, context: { principal: resumedFor } };
    const { messages } = await graph.invoke(new Command({ resume: answer }), resumed);
    expect(outcomes(messages)).toEqual(outcome);
    expect(world.calls.map(({ tenant }) => tenant)).toEqual(resumedFor === 'acme' ? ['acme'] : []);
    await pool.close();
    await world.close();
  });
});

describe.each(['v1', 'v2'] as const)('the approval of a step-up with SDK %s', (sdk) => {
  it('is asked of the run whose call needs it, with the calls of several runs on one connection', async () => {
    const world = await startTenantsWorld(['acme'], ['wiki'], { tools: ['write'], beforeChallenge: meetingOf(6) });
    const { tools, close } = await loadTools(world.create('acme'), ['wiki'], { sdk });
    const asked: string[] = [];
    const runs = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const agent = createAgent({
          model: fakeModel()
            .respond(calling('wiki__write', `run-${index}`))
            .respond(new AIMessage('done')),
          tools,
          middleware: [
            accessMiddleware({
              approveStepUp({ call }) {
                asked.push(`${index} ${call.id}`);
                return index % 2 === 0;
              },
            }),
          ],
        });
        const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] });
        return outcomes(messages);
      }),
    );
    expect(asked.toSorted((a, b) => a.localeCompare(b))).toEqual(
      Array.from({ length: 6 }, (_, index) => `${index} run-${index}`),
    );
    expect(runs).toEqual([
      ['acme'],
      ['insufficient_scope'],
      ['acme'],
      ['insufficient_scope'],
      ['acme'],
      ['insufficient_scope'],
    ]);
    await close();
    await world.close();
  });

  it('of one tenant gives another tenant nothing', async () => {
    const world = await startTenantsWorld(['acme', 'globex'], ['wiki'], {
      tools: ['write'],
      beforeChallenge: meetingOf(2),
    });
    const pool = principalPool({ create: (key) => world.create(key), loadTools: { sdk } });
    const tools = await pool.tools('acme');
    const run = async (principal: string, approves: boolean) => {
      const agent = createAgent({
        model: fakeModel().respond(calling('wiki__write', principal)).respond(new AIMessage('done')),
        tools,
        contextSchema: context,
        middleware: [accessMiddleware({ approveStepUp: () => approves })],
      });
      const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] }, { context: { principal } });
      return outcomes(messages);
    };
    expect(await Promise.all([run('acme', true), run('globex', false)])).toEqual([['acme'], ['insufficient_scope']]);
    await expect(run('acme', false)).resolves.toEqual(['acme']);
    expect(world.calls.map(({ tenant }) => tenant)).toEqual(['acme', 'acme']);
    await pool.close();
    await world.close();
  });
});
