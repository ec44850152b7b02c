import { ServicePrincipal } from '@credence/core';
import {
  accessMiddleware,
  type AccessMiddlewareOptions,
  loadTools,
  type LoadedTools,
  refusalOf,
  stepUpAnswer,
  stepUpInterruptIn,
} from '@credence/langchain';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { Command, interrupt, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { createAgent } from 'langchain';
import { type ScriptedCall, scriptedModel } from '../support/agent-script.ts';

jest.setTimeout(30_000);

let sandbox: Sandbox;
let bot: ServicePrincipal;
let loaded: LoadedTools;

beforeEach(async () => {
  sandbox = await startSandbox();
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
});
afterEach(async () => {
  await loaded.close();
  await bot.close();
  await sandbox.close();
});

const create = (title: string) => ({ name: 'issues__create_issue', args: { title } });
const calls = () => sandbox.servers.issues.requests.toolCalls;
const configOf = (principal: string) => ({ configurable: { thread_id: 'one' }, context: { principal } });
const input = { messages: [new HumanMessage('go')] };

interface Waiting {
  readonly id: string;
  readonly value: unknown;
}

/** The interrupts of a result by the id of their tool call. */
function waitingIn(result: object): ReadonlyMap<string, Waiting> {
  const interrupts = '__interrupt__' in result ? (result.__interrupt__ as Waiting[]) : [];
  return new Map(interrupts.map((each) => [stepUpInterruptIn(each.value)?.call.id ?? each.id, each]));
}

function answersIn(result: object): readonly ToolMessage[] {
  return (result as { messages: unknown[] }).messages.filter((each) => ToolMessage.isInstance(each));
}

async function newAgent(options: AccessMiddlewareOptions, step: readonly ScriptedCall[], more?: { sdk: 'v1' | 'v2' }) {
  loaded = await loadTools(bot, ['issues'], more);
  const middleware = [accessMiddleware({ tools: loaded, ...options })];
  return createAgent({ model: scriptedModel(step), tools: [], middleware, checkpointer: new MemorySaver() });
}

describe('several step-ups of one step', () => {
  it('wait for one answer each, which can come one after the other', async () => {
    const agent = await newAgent({ approveStepUp: 'interrupt' }, [create('one'), create('two'), create('three')]);
    const waiting = waitingIn(await agent.invoke(input, configOf('a')));
    expect([...waiting.keys()].toSorted()).toEqual(['0-0', '0-1', '0-2']);

    const answer = (id: string, approved: boolean) => {
      const { id: interruptId = '', value } = waiting.get(id) ?? {};
      return new Command({ resume: { [interruptId]: stepUpAnswer(value, approved) } });
    };
    const first = await agent.invoke(answer('0-1', true), configOf('a'));
    expect([...waitingIn(first).keys()].toSorted()).toEqual(['0-0', '0-2']);
    expect(calls()).toBe(1);
    // The bot has the scope now. The answers to the others count nevertheless.
    await agent.invoke(answer('0-0', false), configOf('a'));
    expect(calls()).toBe(1);
    const answers = answersIn(await agent.invoke(answer('0-2', true), configOf('a')));
    expect(Object.fromEntries(answers.map(({ tool_call_id: id, status }) => [id, status]))).toEqual({
      '0-0': 'error',
      '0-1': 'success',
      '0-2': 'success',
    });
    expect(calls()).toBe(2);
  });
});

describe('an interrupt of a rule of the application', () => {
  it.each<[string, object, AccessMiddlewareOptions]>([
    ['approve', { principal: 'b' }, { approve: ({ name }) => interrupt<string, boolean>(`May it call ${name}?`) }],
    ['approveStepUp', {}, { approveStepUp: ({ scopes }) => interrupt<string, boolean>(`Add ${scopes.join()}?`) }],
  ])('in %s cannot be resumed with the context %j', async (_rule, context, options) => {
    const agent = await newAgent(options, [create('of a')]);
    await agent.invoke(input, configOf('a'));
    const result = await agent.invoke(new Command({ resume: true }), { configurable: { thread_id: 'one' }, context });
    expect(refusalOf(answersIn(result).at(0))?.error).toMatchObject({ code: 'wrong_principal' });
    expect(calls()).toBe(0);
  });

  it('is resumed for the same principal', async () => {
    const agent = await newAgent({ approve: () => interrupt<string, boolean>('May it?') }, [create('of a')]);
    await agent.invoke(input, configOf('a'));
    const command = new Command({ resume: true });
    // The scope needs no approval here.
    expect(answersIn(await agent.invoke(command, configOf('a'))).at(0)?.status).toBe('success');
    expect(calls()).toBe(1);
  });
});

describe('a run without a principal', () => {
  it('cannot be resumed for one', async () => {
    const agent = await newAgent({ approveStepUp: 'interrupt' }, [create('of nobody')]);
    const [asked] = waitingIn(await agent.invoke(input, { configurable: { thread_id: 'one' } })).values();
    const command = new Command({ resume: { ...stepUpAnswer(asked?.value, true), principal: 'b' } });
    const result = await agent.invoke(command, configOf('b'));
    expect(refusalOf(answersIn(result).at(0))?.error).toMatchObject({ code: 'wrong_principal' });
    expect(calls()).toBe(0);
  });

  it('is followed by a run for one on the same thread', async () => {
    loaded = await loadTools(bot, ['issues']);
    const step = [{ name: 'issues__list_issues' }];
    const middleware = [accessMiddleware({ tools: loaded })];
    const checkpointer = new MemorySaver();
    const agent = () => createAgent({ model: scriptedModel(step), tools: [], middleware, checkpointer });
    for (const context of [{}, { principal: 'a' }, { principal: 'b' }, {}]) {
      const result = await agent().invoke(input, { configurable: { thread_id: 'one' }, context });
      expect(answersIn(result).at(-1)?.status).toBe('success');
    }
  });
});

describe('a step-up by an interrupt', () => {
  it.each(['v1', 'v2'] as const)('works with SDK %s', async (sdk) => {
    const agent = await newAgent({ approveStepUp: 'interrupt' }, [create('by a person')], { sdk });
    const [asked] = waitingIn(await agent.invoke(input, configOf('a'))).values();
    const result = await agent.invoke(new Command({ resume: stepUpAnswer(asked?.value, true) }), configOf('a'));
    expect(answersIn(result).at(0)?.status).toBe('success');
    expect(calls()).toBe(1);
  });

  it('works in an agent that is a node of another graph, and its denial holds there too', async () => {
    for (const approved of [true, false]) {
      const agent = await newAgent({ approveStepUp: 'interrupt' }, [create('nested')]);
      const graph = new StateGraph(MessagesAnnotation)
        .addNode('agent', agent.graph)
        .addEdge(START, 'agent')
        .compile({ checkpointer: new MemorySaver() });
      const [asked] = waitingIn(await graph.invoke(input, configOf('a'))).values();
      const before = calls();
      const command = new Command<unknown, Record<string, unknown>, 'agent'>({
        resume: stepUpAnswer(asked?.value, approved),
      });
      const result = await graph.invoke(command, configOf('a'));
      expect(answersIn(result).at(0)?.status).toBe(approved ? 'success' : 'error');
      expect(calls()).toBe(before + (approved ? 1 : 0));
      await loaded.close();
      if (approved) bot = await renewed();
    }
  });

  it('is denied outside of a graph', async () => {
    loaded = await loadTools(bot, ['issues'], { approveStepUp: 'interrupt' });
    const tool = loaded.tools.find(({ name }) => name === 'issues__create_issue');
    await expect(tool?.invoke({ title: 'x' })).rejects.toMatchObject({ cause: { code: 'insufficient_scope' } });
    expect(calls()).toBe(0);
  });
});

/** A bot without the scopes that the last one has added. */
async function renewed(): Promise<ServicePrincipal> {
  await bot.close();
  return ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
}
