import { ServicePrincipal } from '@credence/core';
import {
  accessMiddleware,
  type AccessMiddlewareOptions,
  loadTools,
  type LoadedTools,
  principalPool,
  refusalOf,
  stepUpAnswer,
} from '@credence/langchain';
import { fakeIdp } from '@credence/testing';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { Command, interrupt, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent } from 'langchain';
import { z } from 'zod';

interface Waiting {
  readonly id: string;
  readonly value: unknown;
}
interface Graph {
  invoke(input: unknown, config: object): Promise<unknown>;
}

/** The calls that ran: the principal and the argument. */
let ran: string[];
beforeEach(() => {
  ran = [];
});

function newWorld() {
  return fakeIdp({
    principals: { acme: {}, globex: {} },
    servers: {
      wiki: {
        scopes: ['r', 'w'],
        tools: {
          write: {
            scopes: ['w'],
            handler: ({ text }, { principal }) => {
              ran.push(`${principal}: ${String(text)}`);
              return 'written';
            },
          },
        },
      },
    },
  });
}

const grants = { wiki: { scopes: ['r'], stepUp: ['w'] } };
const call = (id: string, text: string) => ({ type: 'tool_call', id, name: 'wiki__write', args: { text } }) as const;
const calling = (...calls: readonly ReturnType<typeof call>[]) =>
  new AIMessage({ content: '', tool_calls: [...calls] });

function newPool(contextKey?: string, loadToolsOptions?: Parameters<typeof loadTools>[2]) {
  const idp = newWorld();
  return principalPool({
    create: (key) => new ServicePrincipal(idp.options(key, grants)),
    ...(contextKey !== undefined && { contextKey }),
    ...(loadToolsOptions && { loadTools: loadToolsOptions }),
  });
}

/** An agent whose model makes these calls. */
function agentWith(message: AIMessage, options: AccessMiddlewareOptions): Graph {
  const model = fakeModel().respond(message);
  for (let turn = 0; turn < 3; turn += 1) model.respond(new AIMessage('done'));
  const middleware = [accessMiddleware({ approveStepUp: 'interrupt', ...options })];
  return createAgent({ model, tools: [], middleware, checkpointer: new MemorySaver() });
}

const on = (context: object, thread = '1') => ({ configurable: { thread_id: thread }, context });
const go = { messages: [new HumanMessage('go')] };
const waitingIn = (result: unknown): Waiting[] => (result as { __interrupt__?: Waiting[] }).__interrupt__ ?? [];
const codesIn = (result: unknown) =>
  (result as { messages: unknown[] }).messages
    .filter((message) => ToolMessage.isInstance(message))
    .map((message) => refusalOf(message)?.error.code ?? message.text);

describe('an answer to a step-up', () => {
  it('of one of two calls with the same id approves nothing for the other', async () => {
    const pool = newPool();
    const agent = agentWith(calling(call('c', 'one'), call('c', 'two')), { tools: pool.toolsFor });
    const [one, two] = waitingIn(await agent.invoke(go, on({ principal: 'acme' })));
    const resume = {
      [one?.id ?? '']: stepUpAnswer(two?.value, true),
      [two?.id ?? '']: stepUpAnswer(one?.value, false),
    };
    const result = await agent.invoke(new Command({ resume }), on({ principal: 'acme' }));
    expect(codesIn(result)).toEqual(['insufficient_scope', 'insufficient_scope']);
    expect(ran).toEqual([]);
    await pool.close();
  });

  it('of two equal calls counts for its own call', async () => {
    const pool = newPool();
    const agent = agentWith(calling(call('c', 'one'), call('c', 'one')), { tools: pool.toolsFor });
    const [one, two] = waitingIn(await agent.invoke(go, on({ principal: 'acme' })));
    const resume = {
      [one?.id ?? '']: stepUpAnswer(one?.value, true),
      [two?.id ?? '']: stepUpAnswer(two?.value, false),
    };
    const result = await agent.invoke(new Command({ resume }), on({ principal: 'acme' }));
    expect(codesIn(result)).toEqual(['written', 'insufficient_scope']);
    expect(ran).toEqual(['acme: one']);
    await pool.close();
  });

  it.each(['agent', 'ToolNode'])('of another thread approves nothing, also for an equal call (%s)', async (kind) => {
    const pool = newPool(undefined, kind === 'ToolNode' ? { approveStepUp: 'interrupt' } : undefined);
    const node = new ToolNode(await pool.tools('acme'));
    const graph: Graph =
      kind === 'agent'
        ? createAgent({
            model: [1, 2, 3, 4].reduce((model) => model.respond(calling(call('c', 'one'))), fakeModel()),
            middleware: [accessMiddleware({ tools: pool.toolsFor, approveStepUp: 'interrupt' })],
            checkpointer: new MemorySaver(),
          })
        : new StateGraph(MessagesAnnotation, z.object({ principal: z.string() }))
            .addNode('tools', node)
            .addEdge('__start__', 'tools')
            .compile({ checkpointer: new MemorySaver() });
    const input = kind === 'agent' ? go : { messages: [calling(call('c', 'one'))] };
    const context = { principal: 'acme' };
    const [first] = waitingIn(await graph.invoke(input, on(context, '1')));
    await graph.invoke(input, on(context, '2'));
    const resumed = graph.invoke(new Command({ resume: stepUpAnswer(first?.value, true) }), on(context, '2'));
    expect(codesIn(await resumed.catch(() => ({ messages: [] }))).filter((code) => code === 'written')).toEqual([]);
    expect(ran).toEqual([]);
    await pool.close();
  });
});

describe('a pool whose key has another name', () => {
  it.each<[string, (pool: ReturnType<typeof newPool>) => AccessMiddlewareOptions]>([
    ['toolsFor', ({ toolsFor }) => ({ tools: toolsFor })],
    ['toolsFor and the name', ({ toolsFor }) => ({ tools: toolsFor, contextKey: 'tenant' })],
    ['a function around toolsFor', ({ toolsFor }) => ({ tools: async (config) => toolsFor(config) })],
  ])('is not resumed for another principal: %s', async (_what, options) => {
    const pool = newPool('tenant');
    for (const [resumedFor, outcome] of [
      [{ tenant: 'globex' }, ['wrong_principal']],
      [{}, ['wrong_principal']],
      [{ principal: 'acme' }, ['wrong_principal']],
      [{ tenant: 'acme', principal: 'x' }, ['written']],
    ] as const) {
      const agent = agentWith(calling(call('c', 'one')), options(pool));
      const [asked] = waitingIn(await agent.invoke(go, on({ tenant: 'acme' })));
      expect(asked?.value).toMatchObject({ principal: 'acme' });
      const command = new Command({ resume: stepUpAnswer(asked?.value, true) });
      const resumed = await agent.invoke(command, on(resumedFor)).catch((error: unknown) => error);
      // After the refusal, the model is called without a key, which ends the run.
      if (!('tenant' in resumedFor)) expect(resumed).toMatchObject({ cause: { code: 'no_principal' } });
      else expect(codesIn(resumed)).toEqual(outcome);
    }
    expect(ran).toEqual(['acme: one']);
    await pool.close();
  });

  it('is not resumed for another principal after an interrupt of a rule either', async () => {
    const pool = newPool('tenant');
    const approve = () => interrupt<string, boolean>('May it?');
    const agent = agentWith(calling(call('c', 'one')), { tools: pool.toolsFor, approve });
    await agent.invoke(go, on({ tenant: 'acme' }));
    const result = await agent.invoke(new Command({ resume: true }), on({ tenant: 'globex' }));
    expect(codesIn(result)).toEqual(['wrong_principal']);
    await pool.close();
  });

  it('contradicts another name in accessMiddleware', async () => {
    const pool = newPool('tenant');
    expect(() => accessMiddleware({ tools: pool.toolsFor, contextKey: 'principal' })).toThrow(
      expect.objectContaining({
        code: 'invalid_configuration',
        message: expect.stringContaining('contextKey: is "principal", but the pool of `tools` has "tenant"'),
      }),
    );
    await pool.close();
  });
});

describe('tools by a function of the application, in a run whose key is not known', () => {
  async function toolsByTenant(): Promise<{ tools: (config: { context?: unknown }) => LoadedTools }> {
    const idp = newWorld();
    const loaded = new Map<unknown, LoadedTools>();
    for (const key of ['acme', 'globex']) {
      loaded.set(key, await loadTools(new ServicePrincipal(idp.options(key, grants))));
    }
    const tools = ({ context }: { context?: unknown }) => {
      const own = loaded.get((context as { tenant?: string } | undefined)?.tenant ?? 'acme');
      if (!own) throw new Error('unknown');
      return own;
    };
    return { tools };
  }

  it('a step-up is refused with the name of the option', async () => {
    const agent = agentWith(calling(call('c', 'one')), await toolsByTenant());
    const result = await agent.invoke(go, on({ tenant: 'acme' }));
    expect(codesIn(result)).toEqual(['no_principal']);
    expect(JSON.stringify(result)).toContain('contextKey of accessMiddleware');
    expect(ran).toEqual([]);
  });

  it('a question without a context is not answered in a run with one', async () => {
    const options = await toolsByTenant();
    for (const [context, outcome] of [
      [{ tenant: 'globex' }, ['no_principal']],
      [{}, ['written']],
    ] as const) {
      const agent = agentWith(calling(call('c', 'one')), options);
      const [asked] = waitingIn(await agent.invoke(go, on({})));
      const command = new Command({ resume: stepUpAnswer(asked?.value, true) });
      expect(codesIn(await agent.invoke(command, on(context)))).toEqual(outcome);
    }
    expect(ran).toEqual(['acme: one']);
  });

  it('a step-up is asked for with contextKey, and not resumed for another', async () => {
    const agent = agentWith(calling(call('c', 'one')), { ...(await toolsByTenant()), contextKey: 'tenant' });
    const [asked] = waitingIn(await agent.invoke(go, on({ tenant: 'acme' })));
    const command = new Command({ resume: stepUpAnswer(asked?.value, true) });
    expect(codesIn(await agent.invoke(command, on({ tenant: 'globex' })))).toEqual(['wrong_principal']);
    expect(ran).toEqual([]);
  });
});

it.each([true, false])(
  'a step-up is asked for once if the tools and the middleware ask (approved: %s)',
  async (approved) => {
    const pool = newPool(undefined, { approveStepUp: 'interrupt' });
    const agent = agentWith(calling(call('c', 'one')), { tools: pool.toolsFor });
    const asked = waitingIn(await agent.invoke(go, on({ principal: 'acme' })));
    expect(asked).toHaveLength(1);
    const command = new Command({ resume: stepUpAnswer(asked[0]?.value, approved) });
    const result = await agent.invoke(command, on({ principal: 'acme' }));
    expect(waitingIn(result)).toEqual([]);
    expect(codesIn(result)).toEqual([approved ? 'written' : 'insufficient_scope']);
    expect(ran).toEqual(approved ? ['acme: one'] : []);
    await pool.close();
  },
);
