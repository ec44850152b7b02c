import { accessMiddleware } from '@credence/langchain';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { Command, GraphInterrupt, interrupt, MemorySaver } from '@langchain/langgraph';
import {
  type AgentMiddleware,
  createAgent,
  createMiddleware,
  tool,
  toolErrorMiddleware,
  toolRetryMiddleware,
} from 'langchain';
import { z } from 'zod';
import { type ScriptedCall, scriptedModel } from '../support/agent-script.ts';
import { type LangchainWorld, listed, startLangchainWorld } from '../support/langchain-world.ts';

class OwnError extends Error {
  override readonly name = 'OwnError';
}

function own(name: string, run: (config: { toolCallId?: string }) => unknown) {
  return tool((_args, config: { toolCallId?: string }) => run(config), {
    name,
    description: name,
    schema: z.object({}),
  });
}

function throwing(name: string, error: () => unknown) {
  return own(name, () => {
    throw error();
  });
}

const ownTools = [
  throwing('throws_error', () => new Error('the disk is full')),
  throwing('throws_own_error', () => new OwnError('an error of a class')),
  throwing('throws_text', () => 'a text'),
  throwing('throws_tool_exception', () => Object.assign(new Error('of mcp-adapters'), { name: 'ToolException' })),
  throwing('throws_abort', () => new DOMException('aborted by the tool', 'AbortError')),
  throwing('throws_interrupt', () => new GraphInterrupt([{ value: 'who?' }])),
  own('interrupts', () => interrupt('may it?')),
  own('returns_text', () => 'noon'),
  own('returns_object', () => ({ time: 'noon' })),
  own('returns_command', ({ toolCallId = '' }) => {
    return new Command({
      update: { messages: [new ToolMessage({ content: 'by a command', tool_call_id: toolCallId })] },
    });
  }),
  tool(({ count }) => `${count}`, { name: 'counts', description: 'counts', schema: z.object({ count: z.number() }) }),
];

let world: LangchainWorld;
let mcpTools: Awaited<ReturnType<LangchainWorld['load']>>['tools'];

beforeAll(async () => {
  world = await startLangchainWorld();
  const { url } = await world.serve({
    'tools/list': () => ({
      result: { tools: [listed('fails'), listed('refuses', { inputSchema: { type: 'object', required: ['id'] } })] },
    }),
    'tools/call': ({ params }) => ({
      result: { content: [{ type: 'text', text: `no such issue ${String(params['name'])}` }], isError: true },
    }),
  });
  mcpTools = (await world.load({ notes: url })).tools;
});
afterAll(async () => world.close());

/** How a run ends: the messages that the model got for its calls, or the error. */
async function outcome(
  middleware: readonly AgentMiddleware[],
  calls: readonly ScriptedCall[],
  options: { readonly signal?: AbortSignal; readonly agentSignal?: AbortSignal } = {},
): Promise<unknown> {
  const agent = createAgent({
    model: scriptedModel(calls),
    tools: [...ownTools, ...mcpTools],
    middleware: [...middleware],
    checkpointer: new MemorySaver(),
    ...(options.agentSignal && { signal: options.agentSignal }),
  });
  const config = { configurable: { thread_id: 'one' }, ...(options.signal && { signal: options.signal }) };
  try {
    const result: object = await agent.invoke({ messages: [new HumanMessage('go')] }, config);
    const { messages, __interrupt__: interrupts } = result as { messages: unknown[]; __interrupt__?: unknown[] };
    const answers = messages.filter((message) => ToolMessage.isInstance(message));
    return {
      ended: messages.length,
      answers: answers.map(({ content, name, status, artifact, tool_call_id: id }) => ({
        content,
        name,
        status,
        artifact,
        id,
      })),
      interrupts: interrupts?.map((each) => (each as { value: unknown }).value),
    };
  } catch (error) {
    return { thrown: String(error), is: error instanceof OwnError };
  }
}

const calls: Record<string, ScriptedCall> = {
  ...Object.fromEntries(ownTools.map(({ name }) => [name, { name }])),
  counts: { name: 'counts', args: { count: 'many' } },
  'an isError result of a server': { name: 'notes__fails' },
  'wrong arguments for a tool of a server': { name: 'notes__refuses' },
  'an unknown tool': { name: 'unknown' },
};

/** Without the stack of the error, which names the files that handled it. */
function withoutStack(result: unknown): unknown {
  return JSON.parse(JSON.stringify(result).replaceAll(/\\n +at [^"]*/gu, ''));
}

/** LangChain ends the run for an error that such a middleware lets through. */
const rethrows = createMiddleware({ name: 'Rethrows', wrapToolCall: (request, handler) => handler(request) });
const retries = () =>
  toolRetryMiddleware({ maxRetries: 1, retryOn: [OwnError], initialDelayMs: 0, onFailure: 'error' });

describe('a run of an agent', () => {
  it.each(Object.keys(calls))('ends with accessMiddleware as without it after %s', async (name) => {
    const call = calls[name];
    const wanted = call ? [call, { name: 'returns_text' }] : [];
    const without = await outcome([], wanted);
    expect(withoutStack(await outcome([accessMiddleware()], wanted))).toEqual(withoutStack(without));
    const rules = accessMiddleware({
      approve: () => true,
      approveStepUp: () => true,
      hide: () => false,
      hideUnusable: true,
    });
    expect(withoutStack(await outcome([rules], wanted))).toEqual(withoutStack(without));
  });

  it('would end with an error if the middleware only threw the errors of tools again', async () => {
    const call = [{ name: 'throws_own_error' }];
    expect(await outcome([], call)).toMatchObject({ answers: [{ status: 'error' }] });
    expect(await outcome([rethrows], call)).toEqual({ thrown: 'OwnError: an error of a class', is: true });
  });

  it.each<[string, () => AgentMiddleware]>([
    ['throws errors again', () => rethrows],
    ['retries', retries],
    ['makes messages of errors', () => toolErrorMiddleware({ onError: () => 'it failed' })],
  ])("with toolErrors: 'throw' leaves errors to other middleware that %s", async (_what, other) => {
    const access = () => accessMiddleware({ toolErrors: 'throw' });
    for (const name of ['throws_own_error', 'throws_error', 'interrupts', 'an isError result of a server', 'counts']) {
      const call = calls[name];
      const wanted = call ? [call] : [];
      const without = withoutStack(await outcome([other()], wanted));
      expect(withoutStack(await outcome([other(), access()], wanted))).toEqual(without);
      expect(withoutStack(await outcome([access(), other()], wanted))).toEqual(without);
    }
  });

  it('ends with the error of the tool if the signal of the agent is aborted, as without the middleware', async () => {
    const aborted = (middleware: readonly AgentMiddleware[], which: 'signal' | 'agentSignal') => {
      const controller = new AbortController();
      const aborting = throwing('aborting', () => {
        controller.abort();
        return new OwnError('while it is aborted');
      });
      ownTools.splice(0, ownTools.length, ...ownTools.filter(({ name }) => name !== 'aborting'), aborting);
      return outcome(middleware, [{ name: 'aborting' }], { [which]: controller.signal });
    };
    for (const which of ['signal', 'agentSignal'] as const) {
      const without = await aborted([], which);
      expect(without).toHaveProperty('thrown');
      expect(await aborted([accessMiddleware()], which)).toEqual(without);
    }
  });
});
