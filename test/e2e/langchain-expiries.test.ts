import { EventEmitter } from 'node:events';
import { ServicePrincipal } from '@credence/core';
import { type LoadedTools, loadTools } from '@credence/langchain';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { END, MessagesAnnotation, Send, START, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent, createMiddleware } from 'langchain';
import { type ScriptedCall, scriptedModel } from '../support/agent-script.ts';
import { type Expiries, startExpiries, type TokenRequests } from '../support/expiries.ts';
import { type LangchainWorld, listed, type ScriptedServer, startLangchainWorld } from '../support/langchain-world.ts';

// two hundred calls over HTTP can take long on a busy machine
jest.setTimeout(60_000);

const SERVERS = ['issues', 'documents', 'wiki'] as const;
const CALLS = 200;
const EXPIRIES = 5;

let world: LangchainWorld;
let expiries: Expiries;
let servers: ScriptedServer[];
let bot: ServicePrincipal;
/** The tool calls that have arrived with a valid token. */
let arrived: number;
/** Called for each of them. */
let onCall: () => Promise<void> | void;

// LangChain adds a listener to the signal of the run for each call, and Node warns from the eleventh on.
const { defaultMaxListeners } = EventEmitter;
beforeAll(() => void (EventEmitter.defaultMaxListeners = 0));
afterAll(() => void (EventEmitter.defaultMaxListeners = defaultMaxListeners));

beforeEach(async () => {
  onCall = () => undefined;
  arrived = 0;
  world = await startLangchainWorld();
  servers = [];
  const urls: Record<string, string> = {};
  for (const name of SERVERS) {
    const server = await world.serve({
      'tools/list': () => ({ result: { tools: [listed('read')] } }),
      'tools/call': async ({ params }) => {
        arrived += 1;
        await onCall();
        return { result: { content: [{ type: 'text', text: JSON.stringify(params['arguments']) }] } };
      },
    });
    servers.push(server);
    urls[name] = server.url;
  }
  expiries = startExpiries(world.oauth, (resource) => SERVERS.find((name) => urls[name] === resource) ?? resource);
  bot = world.bot(urls, { clock: expiries.clock });
});

afterEach(async () => {
  await world.close();
  jest.useRealTimers();
});

/** The tool calls that a server answered with 401. Each had a token. */
function refusedCalls(): number {
  const sent = servers.flatMap(({ peer }) => peer.requests).filter(({ body }) => body.includes('"tools/call"'));
  return sent.length - arrived;
}

/** At most one acquisition for each server between two movements of the clock, and one token of the bot for all. */
function expectOneAcquisitionEach(periods: readonly TokenRequests[]): void {
  for (const { authenticate, exchange, redeem } of periods) {
    expect(authenticate).toBeLessThanOrEqual(1);
    expect(Math.max(0, ...Object.values(exchange))).toBeLessThanOrEqual(1);
    expect(Math.max(0, ...Object.values(redeem))).toBeLessThanOrEqual(1);
    expect(SERVERS).toEqual(expect.arrayContaining(Object.keys(redeem)));
  }
}

/** Two hundred calls of one message, of the tools of all servers in turn. */
function manyCalls(count = CALLS): ScriptedCall[] {
  return Array.from({ length: count }, (_, at) => ({ name: `${SERVERS[at % 3]}__read`, args: { at } }));
}

async function load(sdk: 'v1' | 'v2'): Promise<LoadedTools> {
  const loaded = await loadTools(bot, SERVERS, { sdk });
  world.onClose(loaded.close);
  expect(loaded.failures).toEqual([]);
  return loaded;
}

/** A compiled graph, or an agent. */
interface Runs {
  invoke(input: { messages: BaseMessage[] }): Promise<{ messages: BaseMessage[] }>;
}

const ONE_TASK = 'a ToolNode that gets all calls in one task';
const TASK_EACH = 'a task for each call, by Send';

/** How a graph can make the calls of one message. */
const GRAPHS = {
  createAgent: ({ tools }: LoadedTools) => createAgent({ model: scriptedModel(manyCalls()), tools }),
  [ONE_TASK]: ({ tools }: LoadedTools) =>
    new StateGraph(MessagesAnnotation)
      .addNode('model', modelNode)
      .addNode('tools', new ToolNode(tools))
      .addEdge(START, 'model')
      .addConditionalEdges('model', ({ messages }) => (hasCalls(messages.at(-1)) ? 'tools' : END))
      .addEdge('tools', 'model')
      .compile(),
  [TASK_EACH]: ({ tools }: LoadedTools) =>
    new StateGraph(MessagesAnnotation)
      .addNode('model', modelNode)
      .addNode('tools', new ToolNode(tools))
      .addEdge(START, 'model')
      .addConditionalEdges('model', (state) => {
        const last = state.messages.at(-1);
        const calls = AIMessage.isInstance(last) ? (last.tool_calls ?? []) : [];
        return calls.length === 0 ? END : calls.map((call) => new Send('tools', { ...state, lg_tool_call: call }));
      })
      .addEdge('tools', 'model')
      .compile(),
};

/** The graphs do not depend on the SDK, so one is enough for the second. */
const GRAPHS_WITH = { v1: ['createAgent', ONE_TASK, TASK_EACH], v2: [TASK_EACH] } as const;

function hasCalls(message: unknown): boolean {
  return AIMessage.isInstance(message) && (message.tool_calls ?? []).length > 0;
}

async function modelNode({ messages }: typeof MessagesAnnotation.State) {
  const model = scriptedModel(messages.some((message) => ToolMessage.isInstance(message)) ? [] : manyCalls());
  return { messages: [await model.invoke(messages)] };
}

async function answersOf(graph: Runs): Promise<ToolMessage[]> {
  const { messages } = await graph.invoke({ messages: [new HumanMessage('read everything')] });
  return messages.filter((message) => ToolMessage.isInstance(message));
}

/** Every call has its own answer. */
function expectAnswers(answers: readonly ToolMessage[], count = CALLS): void {
  expect(answers.filter(({ status }) => status === 'error').map(({ text }) => text)).toEqual([]);
  const numbers = answers.map(({ text }) => (JSON.parse(text) as { at: number }).at);
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at));
}

describe.each(['v1', 'v2'] as const)('two hundred calls at the same time, with SDK %s', (sdk) => {
  it.each(GRAPHS_WITH[sdk])('all succeed although all tokens expire five times while they run: %s', async (kind) => {
    const graph = GRAPHS[kind](await load(sdk));
    onCall = async () => {
      if (arrived % 33 === 0 && expiries.passed < EXPIRIES) await expiries.expireAll(bot);
    };

    expectAnswers(await answersOf(graph));

    expect(expiries.passed).toBe(EXPIRIES);
    expect(refusedCalls()).toBeGreaterThan(0);
    expect(expiries.requests()).toHaveLength(1 + EXPIRIES);
    expectOneAcquisitionEach(expiries.requests());
  });

  it('all succeed although all tokens are revoked between two expiries', async () => {
    const graph = GRAPHS[ONE_TASK](await load(sdk));
    onCall = async () => {
      if (arrived === 50 || arrived === 150) await expiries.expireAll(bot);
      if (arrived === 100) await expiries.revokeAll(bot);
    };

    expectAnswers(await answersOf(graph));

    expect(refusedCalls()).toBeGreaterThan(0);
    const periods = expiries.requests();
    expect(periods).toHaveLength(4);
    expectOneAcquisitionEach(periods);
    // The ID-JAGs and the bot's own token are still valid after the revocation.
    expect(periods[2]).toMatchObject({ authenticate: 0, redeem: { issues: 1, documents: 1, wiki: 1 } });
  });

  it('are never refused by a server if the tokens age between the turns of the agent', async () => {
    const turns = Array.from({ length: EXPIRIES + 1 }, () => manyCalls(34));
    const { tools } = await load(sdk);
    const model = scriptedModel(...turns);
    let turn = 0;
    const agent = createAgent({
      model,
      tools,
      middleware: [
        createMiddleware({
          name: 'time passes',
          async beforeModel() {
            await Promise.all(SERVERS.map(async (server) => bot.token(server)));
            turn += 1;
            if (turn > 1 && turn <= turns.length) expiries.ageAll();
          },
        }),
      ],
    });

    const answers = await answersOf(agent);

    expect(answers.filter(({ status }) => status === 'error')).toEqual([]);
    expect(answers).toHaveLength(34 * turns.length);
    expect(refusedCalls()).toBe(0);
    expect(expiries.requests()).toHaveLength(turns.length);
    expectOneAcquisitionEach(expiries.requests());
  });
});
