import { ServicePrincipal } from '@credence/core';
import { accessMiddleware, loadTools, type LoadedTools, stepUpAnswer, stepUpInterruptIn } from '@credence/langchain';
import { fakeIdp } from '@credence/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { tool } from '@langchain/core/tools';
import {
  type BaseCheckpointSaver,
  Command,
  interrupt,
  MemorySaver,
  MessagesAnnotation,
  Send,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent } from 'langchain';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { SqlCheckpointer } from '../support/sql-checkpointer.ts';

interface Waiting {
  readonly id: string;
  readonly value: unknown;
}
interface Graph {
  invoke(input: unknown, config: object): Promise<unknown>;
}
type Kind = 'one task' | 'Send' | 'createAgent';
type Own = ReturnType<typeof ownTool>;

/** The tools that ran at the server, in order. */
let ran: string[];
let idp: ReturnType<typeof newWorld>;
let folder: string;
let newCheckpointer: () => Promise<BaseCheckpointSaver>;
const open: LoadedTools[] = [];
const bots: ServicePrincipal[] = [];

beforeEach(async () => {
  ran = [];
  idp = newWorld();
  folder = await mkdtemp(join(tmpdir(), 'credence-'));
  const inMemory = new MemorySaver();
  newCheckpointer = async () => Promise.resolve(inMemory);
});
afterEach(async () => {
  await leave();
  await rm(folder, { recursive: true });
});

function newWorld() {
  const toolOf = (name: string) => ({
    scopes: [name],
    handler: () => {
      ran.push(name);
      return name;
    },
  });
  const tools = Object.fromEntries(['r', 'w1', 'w2', 'w3'].map((name) => [name, toolOf(name)]));
  return fakeIdp({ principals: { p: {} }, servers: { s: { scopes: ['r', 'w1', 'w2', 'w3'], tools } } });
}

async function leave(): Promise<void> {
  for (const each of open.splice(0)) await each.close();
  for (const each of bots.splice(0)) await each.close();
}

const call = (id: string, name: string) => ({ type: 'tool_call', id, name, args: {} }) as const;
type Call = ReturnType<typeof call>;
const config = { configurable: { thread_id: '1' }, context: { principal: 'p' } };

/** A graph of a new bot and new tools, with the checkpoints of the test. */
async function newGraph(
  kind: Kind,
  calls: readonly Call[],
  own: readonly Own[] = [],
  isResumed = false,
): Promise<Graph> {
  const grants = { s: { scopes: ['r'], stepUp: ['w1', 'w2', 'w3'] } };
  const bot = new ServicePrincipal(idp.options('p', grants));
  bots.push(bot);
  const loaded = await loadTools(bot, undefined, { approveStepUp: 'interrupt' });
  open.push(loaded);
  const checkpointer = await newCheckpointer();
  const message = new AIMessage({ content: '', tool_calls: [...calls] });
  if (kind === 'createAgent') {
    const middleware = [accessMiddleware({ tools: loaded, approveStepUp: 'interrupt' })];
    // In another process the model is called after the tools only.
    const model = isResumed ? fakeModel() : fakeModel().respond(message);
    model.respond(new AIMessage('done'));
    return createAgent({ model, tools: [...own], middleware, checkpointer });
  }
  const graph = new StateGraph(MessagesAnnotation, z.object({ principal: z.string() }))
    .addNode('model', () => ({ messages: [message] }))
    .addNode('tools', new ToolNode([...loaded.tools, ...own]))
    .addEdge(START, 'model')
    .addConditionalEdges('model', (state) =>
      kind === 'one task' ? 'tools' : calls.map((each) => new Send('tools', { ...state, lg_tool_call: each })),
    );
  return graph.compile({ checkpointer });
}

const waitingIn = (result: unknown): readonly Waiting[] =>
  (result as { __interrupt__?: Waiting[] }).__interrupt__ ?? [];

/** What became of each call: the text of the tool, or `refused`. */
function outcomes(result: unknown): Record<string, string> {
  const answers = (result as { messages: unknown[] }).messages.filter((each) => ToolMessage.isInstance(each));
  return Object.fromEntries(
    answers.map(({ tool_call_id: id, status, text }) => [
      id,
      status === 'success' ? text : /not approved/u.test(text) ? 'denied' : text,
    ]),
  );
}

/** Answers the interrupts of a run until it ends. The calls of other tools get `YES` and the number of the question. */
async function answerAll(
  graph: Graph,
  result: unknown,
  verdictOf: (id: string) => boolean,
  { together = false, next = async () => Promise.resolve(graph) } = {},
): Promise<{ result: unknown; asked: readonly string[] }> {
  const asked: string[] = [];
  const answerTo = ({ value }: Waiting): unknown => {
    const id = stepUpInterruptIn(value)?.call.id;
    asked.push(id ?? JSON.stringify(value));
    return id === undefined ? `YES to ${JSON.stringify(value)}` : stepUpAnswer(value, verdictOf(id));
  };
  let last = result;
  for (let waiting = waitingIn(last); waiting.length > 0 && asked.length < 10; waiting = waitingIn(last)) {
    const few = together ? waiting : waiting.slice(0, 1);
    const resume = Object.fromEntries(few.map((each) => [each.id, answerTo(each)]));
    const single = waiting.length === 1 && !together;
    last = await (await next()).invoke(new Command({ resume: single ? Object.values(resume)[0] : resume }), config);
  }
  return { result: last, asked };
}

const go = { messages: [new HumanMessage('go')] };
const VERDICTS = [
  [true, true],
  [true, false],
  [false, true],
  [false, false],
] as const;
const RUNS = [['w1', 'w1'] as const, ['w1', 'w2'] as const].flatMap((scopes) =>
  VERDICTS.map((verdicts) => [scopes, verdicts] as const),
);

describe.each<Kind>(['one task', 'Send', 'createAgent'])('two step-ups of one message, in %s', (kind) => {
  it.each(RUNS)('of %j get their own answers %j, and each approved call is made once', async (tools, verdicts) => {
    const calls = [call('A', `s__${tools[0]}`), call('B', `s__${tools[1]}`), call('R', 's__r')];
    const graph = await newGraph(kind, calls);
    const verdictOf = (id: string) => verdicts[id === 'A' ? 0 : 1];
    const { result, asked } = await answerAll(graph, await graph.invoke(go, config), verdictOf);
    expect(asked.toSorted()).toEqual(['A', 'B']);
    expect(outcomes(result)).toEqual({
      A: verdicts[0] ? tools[0] : 'denied',
      B: verdicts[1] ? tools[1] : 'denied',
      R: 'r',
    });
    expect(ran.toSorted()).toEqual(['r', ...tools.filter((_tool, index) => verdicts[index])].toSorted());
  });

  it.each(RUNS)('of %j get their own answers %j in other processes', async (tools, verdicts) => {
    if (kind === 'one task') newCheckpointer = async () => SqlCheckpointer.open(join(folder, 'checkpoints.sqlite'));
    const calls = [call('A', `s__${tools[0]}`), call('B', `s__${tools[1]}`), call('R', 's__r')];
    const graph = await newGraph(kind, calls);
    const verdictOf = (id: string) => verdicts[id === 'A' ? 0 : 1];
    const next = async () => {
      await leave();
      return newGraph(kind, calls, [], true);
    };
    const { result, asked } = await answerAll(graph, await graph.invoke(go, config), verdictOf, { next });
    expect(asked.toSorted()).toEqual(['A', 'B']);
    expect(outcomes(result)).toEqual({
      A: verdicts[0] ? tools[0] : 'denied',
      B: verdicts[1] ? tools[1] : 'denied',
      R: 'r',
    });
    // LangGraph repeats approved calls of the task that had run. It never makes one that was denied.
    for (const [index, name] of tools.entries())
      if (!verdicts[index] && !verdicts[1 - index]) expect(ran).not.toContain(name);
    if (kind !== 'one task') expect(ran).toHaveLength(1 + verdicts.filter(Boolean).length);
  });

  it.each([false, true])('are three, with one answer at a time or all in one map (%s)', async (together) => {
    const calls = ['w1', 'w2', 'w3', 'w1'].map((name, index) => call(String(index), `s__${name}`));
    const graph = await newGraph(kind, calls);
    const first = await graph.invoke(go, config);
    const { result, asked } = await answerAll(graph, first, (id) => id !== '1', { together });
    expect(asked.toSorted()).toEqual(['0', '1', '2', '3']);
    expect(outcomes(result)).toEqual({ 0: 'w1', 1: 'denied', 2: 'w3', 3: 'w1' });
    expect(ran.toSorted()).toEqual(['w1', 'w1', 'w3']);
  });
});

/** A tool of an application that asks the questions, each after a wait. */
function ownTool(questions: readonly string[], wait: (attempt: number) => Promise<unknown>) {
  let attempts = 0;
  const run = async (): Promise<string> => {
    attempts += 1;
    const answers: string[] = [];
    for (const question of questions) {
      await wait(attempts);
      answers.push(interrupt<string, string>(question));
    }
    return answers.join(', ');
  };
  return tool(run, { name: 'own', description: 'asks', schema: z.object({}) });
}

const later = async (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const WAITS: readonly [string, (attempt: number) => Promise<unknown>][] = [
  ['at once', async () => Promise.resolve()],
  ['before the server answers', async () => later(0)],
  ['after the calls of the server', async () => later(30)],
  ['late at first, then at once', async (attempt) => (attempt === 1 ? later(30) : undefined)],
  ['at once, then late', async (attempt) => later(attempt === 1 ? 0 : 30)],
];

describe.each(WAITS)('a tool of the application that interrupts %s beside two step-ups in one task', (_when, wait) => {
  it.each([
    ['first', 'the same', 0],
    ['last', 'the same', 2],
    ['first', 'another', 0],
    ['last', 'another', 2],
  ])('as the %s call gets its own answers, in %s process', async (_place, process, place) => {
    const own = ownTool(['one', 'two'], wait);
    const calls = [call('A', 's__w1'), call('B', 's__w2')];
    calls.splice(place, 0, call('O', 'own'));
    const graph = await newGraph('one task', calls, [own]);
    const next = async () => {
      if (process === 'the same') return graph;
      await leave();
      return newGraph('one task', calls, [own]);
    };
    const first = await graph.invoke(go, config);
    const { result, asked } = await answerAll(graph, first, (id) => id === 'A', { next });
    expect(asked.toSorted()).toEqual(['"one"', '"two"', 'A', 'B']);
    expect(outcomes(result)).toEqual({ A: 'w1', B: 'denied', O: 'YES to "one", YES to "two"' });
    if (process === 'the same') expect(ran).toEqual(['w1']);
    expect(new Set(ran)).toEqual(new Set(['w1']));
  });
});

describe('equal calls with one id in one task', () => {
  it('get an answer each', async () => {
    const graph = await newGraph('one task', [call('A', 's__w1'), call('A', 's__w1')]);
    const verdicts = [true, false];
    const { result, asked } = await answerAll(graph, await graph.invoke(go, config), () => verdicts.shift() ?? false);
    expect(asked).toEqual(['A', 'A']);
    expect((result as { messages: unknown[] }).messages.filter((each) => ToolMessage.isInstance(each))).toHaveLength(2);
    expect(ran).toEqual(['w1']);
  });
});

describe('an answer that is not to the question', () => {
  it.each<[string, (value: unknown, earlier: unknown) => unknown]>([
    ['of the first step-up, given for the second', (_value, earlier) => earlier],
    ['true', () => true],
  ])('approves nothing: %s', async (_what, answerTo) => {
    const graph = await newGraph('one task', [call('A', 's__w1'), call('B', 's__w2')]);
    const [one] = waitingIn(await graph.invoke(go, config));
    const answer = stepUpAnswer(one?.value, true);
    const [two] = waitingIn(await graph.invoke(new Command({ resume: answer }), config));
    expect(two).toBeDefined();
    const refused = stepUpInterruptIn(two?.value)?.call.id ?? '';
    let result = await graph.invoke(new Command({ resume: answerTo(two?.value, answer) }), config);
    // An answer that was given before is not counted again, so the question is asked again.
    const [again] = waitingIn(result);
    if (again) result = await graph.invoke(new Command({ resume: stepUpAnswer(again.value, false) }), config);
    expect(outcomes(result)[refused]).toMatch(again ? /^denied$/u : /is not the answer to the step-up/u);
    expect(ran).toEqual([refused === 'B' ? 'w1' : 'w2']);
  });
});
