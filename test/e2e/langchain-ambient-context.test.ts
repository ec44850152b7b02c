import { credenceErrorIn, isCredenceError, ServicePrincipal } from '@credence/core';
import { principalPool } from '@credence/langchain';
import { fakeIdp } from '@credence/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AIMessage } from '@langchain/core/messages';
import { type Runnable, RunnableLambda, RunnableMap, RunnableSequence } from '@langchain/core/runnables';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { type LangGraphRunnableConfig, MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { z } from 'zod';

const context = z.object({ principal: z.string() });
const idp = fakeIdp({
  principals: { acme: {}, globex: {} },
  servers: { issues: { tools: { who: (_args, { principal }) => principal } } },
});
const pool = principalPool({ create: (key) => new ServicePrincipal(idp.options(key)) });

let tool: DynamicStructuredTool;
beforeAll(async () => {
  const [first] = await pool.tools('acme');
  if (!first) throw new Error('no tool');
  tool = first;
});
afterAll(async () => pool.close());

/** What a body returns in a node of a run for `acme`: its result, or the code of the error. */
async function inRunOfAcme(body: (config: LangGraphRunnableConfig) => Promise<unknown>): Promise<unknown> {
  let outcome: unknown;
  const graph = new StateGraph(MessagesAnnotation, context)
    .addNode('node', async (_state, config) => {
      outcome = await body(config).catch((error: unknown) => {
        const refusal = credenceErrorIn(error);
        return isCredenceError(refusal) ? refusal.code : String(error);
      });
      return {};
    })
    .addEdge('__start__', 'node')
    .compile();
  await graph.invoke({ messages: [] }, { context: { principal: 'acme' } });
  return outcome;
}

async function last(stream: AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>): Promise<unknown> {
  let chunk: unknown;
  for await (const next of await stream) chunk = next;
  return chunk;
}

async function* one() {
  yield await Promise.resolve({});
}

/** Each way to call a Runnable. */
const CALLS: Record<string, (runnable: Runnable, config?: object) => Promise<unknown>> = {
  invoke: async (runnable, config) => runnable.invoke({}, config),
  batch: async (runnable, config) => (await runnable.batch([{}], config))[0],
  stream: async (runnable, config) => last(runnable.stream({}, config)),
  transform: async (runnable, config) => last(runnable.transform(one(), config ?? {})),
  streamEvents: async (runnable, config) => {
    let output: unknown;
    for await (const event of runnable.streamEvents({}, { ...config, version: 'v2' })) {
      if (event.event === 'on_tool_end') output = event.data.output as unknown;
    }
    return output;
  },
};

/** Runnables that the tool makes of itself. */
const OWN: Record<string, () => Runnable> = {
  'the tool': () => tool,
  withRetry: () => tool.withRetry({ stopAfterAttempt: 1 }),
  withConfig: () => tool.withConfig({ tags: ['x'] }),
  withFallbacks: () => tool.withFallbacks([tool]),
  withListeners: () => tool.withListeners({}),
  pipe: () => tool.pipe((answer: unknown) => answer),
  asTool: () => tool.asTool({ name: 'other', schema: z.any() }),
  'withRetry and pipe': () => tool.withRetry({ stopAfterAttempt: 1 }).pipe((answer: unknown) => answer),
  'withConfig and withRetry': () => tool.withConfig({ tags: ['x'] }).withRetry({ stopAfterAttempt: 1 }),
};

/** Runnables that others make of the tool. */
const OTHERS: Record<string, () => Runnable> = {
  'a Runnable before it': () => RunnableLambda.from((input: unknown) => input).pipe(tool as never),
  'a sequence': () =>
    RunnableSequence.from([(input: unknown) => input, tool as never, (answer: unknown) => answer] as never),
  'a map': () => RunnableMap.from({ a: tool as never }).pick('a'),
  'a Runnable before it, with a retry': () =>
    RunnableLambda.from((input: unknown) => input)
      .pipe(tool as never)
      .withRetry({ stopAfterAttempt: 1 }),
  'a Runnable before it, with tags': () =>
    RunnableLambda.from((input: unknown) => input)
      .pipe(tool as never)
      .withConfig({ tags: ['x'] }),
  'a Runnable before one of its own': () =>
    RunnableLambda.from((input: unknown) => input).pipe(tool.asTool({ name: 'other', schema: z.any() })),
};

const ways = (makers: Record<string, () => Runnable>) =>
  Object.entries(makers).flatMap(([name, make]) =>
    Object.entries(CALLS).map(([call, by]): [string, string, () => Runnable, (typeof CALLS)[string]] => [
      call,
      name,
      make,
      by,
    ]),
  );
const OTHER: { context: { principal: string } } & Record<string, unknown> = { context: { principal: 'globex' } };

describe.each(ways({ ...OWN, ...OTHERS }))('in a node, %s of a Runnable by %s', (_call, _name, make, by) => {
  it('is refused without a config, and calls as the principal of a context that it is handed', async () => {
    expect(await inRunOfAcme(async () => by(make()))).toBe('no_principal');
    expect(await inRunOfAcme(async () => by(make(), { tags: ['y'], configurable: { thread_id: '2' } }))).toBe(
      'no_principal',
    );
    // In a stream of another Runnable, its own context cannot be told from that of the node.
    const isStream =
      by === CALLS['stream'] || by === CALLS['streamEvents'] || (by === CALLS['transform'] && make === OTHERS['a map']);
    const isUnclear = isStream && Object.values(OTHERS).includes(make);
    const answer = isUnclear ? 'no_principal' : 'globex';
    expect(await inRunOfAcme(async () => by(make(), OTHER))).toBe(answer);
    expect(await inRunOfAcme(async (config) => by(make(), { ...config, ...OTHER }))).toBe(answer);
    // Outside of a run there is nothing to take a key from.
    expect(await by(make(), OTHER)).toBe('globex');
  });
});

describe.each(ways(OWN))('in a node, %s of a Runnable by %s of the tool', (_call, _name, make, by) => {
  it('calls as the principal of the run if it is handed the config of the node, or its context', async () => {
    expect(await inRunOfAcme(async ({ context: own }) => by(make(), { context: own }))).toBe('acme');
    expect(await inRunOfAcme(async (config) => by(make(), config))).toBe(
      // The test itself copies the config for this one.
      by === CALLS['streamEvents'] ? 'no_principal' : 'acme',
    );
  });
});

it('a copy of the config of a node is refused with the remedy, unless its context is copied too', async () => {
  const text = async (config: object) =>
    tool.invoke({}, config).catch((error: unknown) => (error instanceof Error ? error.message : ''));
  expect(await inRunOfAcme(async (config) => text({ ...config }))).toContain(
    '{ ...config, context: { ...config.context } }',
  );
  expect(await inRunOfAcme(async (config) => text({ ...config, context: { ...config.context } }))).toBe('acme');
});

it('withConfig with a context hands it to each call, until another is handed', async () => {
  const bound = tool.withConfig(OTHER as never);
  for (const runnable of [bound, bound.withRetry(), bound.pipe((answer: unknown) => answer)]) {
    expect(await inRunOfAcme(async () => runnable.invoke({}))).toBe('globex');
    expect(await inRunOfAcme(async (config) => runnable.invoke({}, config))).toBe('acme');
  }
});

it('a queue that two runs share serves neither of them with the key of the other', async () => {
  const jobs: ((answer: unknown) => void)[] = [];
  let worker: Promise<void> | undefined;
  const work = async () => {
    for (let served = 0; served < 2;) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const answer of jobs.splice(0)) {
        served += 1;
        answer(
          await RunnableLambda.from((input: unknown) => input)
            .pipe(tool as never)
            .invoke({})
            .catch(String),
        );
      }
    }
  };
  const graph = new StateGraph(MessagesAnnotation, context)
    .addNode('node', async () => {
      worker ??= work();
      const answer = await new Promise((resolve) => jobs.push(resolve));
      return { messages: [new AIMessage(String(answer))] };
    })
    .addEdge('__start__', 'node')
    .compile();
  const answers = await Promise.all(
    ['acme', 'globex'].map(async (principal) => graph.invoke({ messages: [] }, { context: { principal } })),
  );
  await worker;
  for (const { messages } of answers) expect(messages.at(-1)?.text).toContain('was not handed a config');
});

it('a Runnable that is a node gets the config of its run from LangGraph, in a subgraph too', async () => {
  const call = { type: 'tool_call', id: 'c1', name: tool.name, args: {} } as const;
  const inner = new StateGraph(MessagesAnnotation, context)
    .addNode('tools', new ToolNode([tool]))
    .addNode(
      'sequence',
      RunnableLambda.from(() => ({}))
        .pipe(tool as never)
        .pipe((answer: unknown) => ({ messages: [new AIMessage(String(answer))] })) as never,
    )
    .addEdge('__start__', 'tools')
    .addEdge('tools', 'sequence')
    .compile();
  const outer = new StateGraph(MessagesAnnotation, context)
    .addNode('inner', async (state, config) => inner.invoke(state, config))
    .addEdge('__start__', 'inner')
    .compile();
  for (const graph of [inner, outer]) {
    const { messages } = await graph.invoke(
      { messages: [new AIMessage({ content: '', tool_calls: [call] })] },
      { context: { principal: 'globex' } },
    );
    expect(messages.slice(1).map(({ text }) => text)).toEqual(['globex', 'globex']);
  }
});

it('a tool of toolsFor calls as its principal through every Runnable, and never in the run of another', async () => {
  const { tools } = await pool.toolsFor(OTHER);
  const [own] = tools;
  expect(await inRunOfAcme(async () => own?.withRetry().invoke({}))).toBe('globex');
  expect(await inRunOfAcme(async (config) => own?.withRetry().invoke({}, config))).toBe('wrong_principal');
  const sequence = RunnableLambda.from(() => ({})).pipe(own as never);
  expect(await inRunOfAcme(async () => sequence.invoke({}))).toBe('wrong_principal');
  expect(await inRunOfAcme(async (config) => sequence.invoke({}, config))).toBe('wrong_principal');
  const mine = async (config: LangGraphRunnableConfig) => (await pool.toolsFor({ ...config })).tools[0];
  expect(
    await inRunOfAcme(async (config) =>
      RunnableLambda.from(() => ({}))
        .pipe((await mine(config)) as never)
        .invoke({}, { ...config, tags: ['x'] }),
    ),
  ).toBe('acme');
});

it.each<[string, object]>([
  ['null', { context: { principal: null } }],
  ['undefined', { context: { principal: undefined } }],
  ['an empty text', { context: { principal: '' } }],
  ['a number', { context: { principal: 7 } }],
])('a tool of toolsFor is refused in a run whose key is %s', async (_what, config) => {
  const { tools } = await pool.toolsFor({ context: { principal: 'acme' } });
  await expect(tools[0]?.invoke({}, config)).rejects.toMatchObject({ cause: { code: 'no_principal' } });
});
