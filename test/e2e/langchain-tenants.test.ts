import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { type LoadedTools, type PrincipalPool, principalPool, refusalOf } from '@credence/langchain';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { MessagesAnnotation, Send, StateGraph } from '@langchain/langgraph';
import type { BaseCheckpointSaver } from '@langchain/langgraph-checkpoint';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { createAgent } from 'langchain';
import { z } from 'zod';
import { SqlCheckpointer } from '../support/sql-checkpointer.ts';
import { OAuthRefusal } from '../support/oauth-world.ts';
import { formsOf } from '../support/forms-of-secrets.ts';
import { TraceRecorder } from '../support/trace-recorder.ts';
import { startTenantsWorld, type TenantsWorld } from '../support/tenants-world.ts';

const TENANTS = ['acme', 'globex', 'initech', 'umbrella'];
const SERVERS = ['wiki', 'tickets'];
const context = z.object({ principal: z.string() });

let world: TenantsWorld;
let pool: PrincipalPool;
beforeAll(async () => {
  world = await startTenantsWorld(TENANTS, SERVERS);
});
beforeEach(() => {
  world.forgetCalls();
  pool = principalPool({ create: (key) => world.create(key) });
});
afterEach(async () => pool.close());
afterAll(async () => world.close());

let ids = 0;
/** A message of a model that calls these tools. */
function calling(...names: readonly string[]): AIMessage {
  return new AIMessage({
    content: '',
    tool_calls: names.map((name) => ({ type: 'tool_call', id: `call-${(ids += 1)}`, name, args: { for: 'me' } })),
  });
}

function answersIn(messages: readonly BaseMessage[]): ToolMessage[] {
  return messages.filter((message) => ToolMessage.isInstance(message));
}

/** Each call is named, so that the caller of a call at the server can be compared with the run. */
function markedCall(tool: string, run: string): AIMessage {
  const message = calling(tool);
  for (const call of message.tool_calls ?? []) call.args = { run };
  return message;
}

const EVERY_TOOL = SERVERS.flatMap((server) => [`${server}__whose`, `${server}__note`]);

describe('tools of a pool in a ToolNode', () => {
  /** A graph without a schema of its context, so that a test can pass any. */
  async function graph() {
    return new StateGraph(MessagesAnnotation)
      .addNode('tools', new ToolNode(await pool.tools('acme')))
      .addEdge('__start__', 'tools')
      .compile();
  }

  it('call as the principal whose key is in the context of each run, with many runs in flight', async () => {
    const compiled = await graph();
    const before = world.calls.length;
    const runs = Array.from({ length: 40 }, (_, index) => ({
      run: `run-${index}`,
      tenant: TENANTS[index % 4] ?? '',
      tool: EVERY_TOOL[(index * 7) % 4] ?? '',
    }));
    const results = await Promise.all(
      runs.map(async ({ run, tenant, tool }) =>
        compiled.invoke({ messages: [markedCall(tool, run)] }, { context: { principal: tenant } }),
      ),
    );
    expect(results.map(({ messages }) => answersIn(messages).map(({ text }) => text))).toEqual(
      runs.map(({ tenant }) => [tenant]),
    );
    const seen = new Map(world.calls.slice(before).map(({ args, tenant }) => [args['run'], tenant]));
    expect(seen.size).toBe(40);
    for (const { run, tenant } of runs) expect([run, seen.get(run)]).toEqual([run, tenant]);
    expect(world.calls).toHaveLength(before + 40);
  });

  it('have the names, texts and schemas of the principal that is given', async () => {
    const tools = await pool.tools('globex');
    expect(tools.map(({ name }) => name)).toEqual(EVERY_TOOL);
    const { tools: own } = await pool.toolsFor({ context: { principal: 'acme' } });
    expect(tools.map(({ description, schema, metadata }) => ({ description, schema, metadata }))).toEqual(
      own.map(({ description, schema, metadata }) => ({ description, schema, metadata })),
    );
  });

  it.each<[string, object, string]>([
    ['no context', {}, 'no_principal'],
    ['a context without a key', { context: {} }, 'no_principal'],
    ['a key elsewhere', { configurable: { principal: 'acme' }, metadata: { principal: 'acme' } }, 'no_principal'],
    ['an empty key', { context: { principal: '' } }, 'no_principal'],
    ['an unknown key', { context: { principal: 'nobody' } }, 'unknown_principal'],
  ])('are refused for a run with %s, and no call is sent', async (_what, config, code) => {
    const compiled = await graph();
    const input = { messages: [calling('wiki__whose', 'tickets__note')] };
    const { messages } = await compiled.invoke(input, config as Parameters<typeof compiled.invoke>[1]);
    const answers = answersIn(messages);
    expect(answers.map((answer) => [answer.status, refusalOf(answer)?.error.code])).toEqual([
      ['error', code],
      ['error', code],
    ]);
    if (code === 'no_principal') expect(answers[0]?.text).toContain('context: { principal: key }');
    expect(answers.map(({ text }) => text).join('')).not.toContain('nobody');
    expect(world.calls).toEqual([]);
  });

  it('do not take a key from the arguments of the model', async () => {
    const compiled = await graph();
    const message = calling('wiki__whose', 'wiki__whose');
    for (const call of message.tool_calls ?? []) {
      call.args = {
        principal: 'globex',
        context: { principal: 'globex' },
        config: { context: { principal: 'globex' } },
      };
    }
    const refused = await compiled.invoke({ messages: [message] });
    expect(answersIn(refused.messages).map((answer) => refusalOf(answer)?.error.code)).toEqual([
      'no_principal',
      'no_principal',
    ]);
    const { messages } = await compiled.invoke({ messages: [message] }, { context: { principal: 'acme' } });
    expect(answersIn(messages).map(({ text }) => text)).toEqual(['acme', 'acme']);
  });

  it('throw if they are called directly without a key, with the CredenceError as cause', async () => {
    const [tool] = await pool.tools('acme');
    for (const call of [async () => tool?.invoke({}), async () => tool?.call({}), async () => tool?.func({})]) {
      await expect(call()).rejects.toMatchObject({ name: 'ToolException', cause: { code: 'no_principal' } });
    }
    await expect(tool?.invoke({}, { context: { principal: 'globex' } })).resolves.toBe('globex');
    await expect(tool?.call({}, { context: { principal: 'umbrella' } })).resolves.toBe('umbrella');
  });

  it('take no key from the run around a call that is handed no config', async () => {
    const [tool] = await pool.tools('acme');
    const seen: unknown[] = [];
    const compiled = new StateGraph(MessagesAnnotation, context)
      .addNode('node', async (_state, config) => {
        // LangChain would add the context of the run from AsyncLocalStorage.
        seen.push(await tool?.invoke({}).catch((error: unknown) => (error as Error).cause));
        seen.push(await tool?.invoke({}, { context: {} }).catch((error: unknown) => (error as Error).cause));
        seen.push(await tool?.batch([{}]).catch((error: unknown) => (error as Error).cause));
        const streamed = tool?.stream({}).then(async (stream) => stream.next());
        seen.push(await streamed?.catch((error: unknown) => (error as Error).cause));
        const events = async () => {
          for await (const { event } of tool?.streamEvents({}, { version: 'v2' }) ?? [])
            if (event === 'on_tool_end') return event;
          return undefined;
        };
        seen.push(await events().catch((error: unknown) => (error as Error).cause));
        seen.push(await tool?.batch([{}, {}], config), await tool?.invoke({}, config));
        return {};
      })
      .addEdge('__start__', 'node')
      .compile();
    await compiled.invoke({ messages: [] }, { context: { principal: 'globex' } });
    expect(seen).toEqual([
      ...Array.from({ length: 5 }, () => expect.objectContaining({ code: 'no_principal' })),
      ['globex', 'globex'],
      'globex',
    ]);
  });
});

/** A graph whose model calls both tools of a server in each of two turns, in parallel. */
function agentGraph(tools: LoadedTools['tools'] | undefined, checkpointer: BaseCheckpointSaver) {
  return new StateGraph(MessagesAnnotation, context)
    .addNode('model', ({ messages }) => {
      const turns = messages.filter((message) => AIMessage.isInstance(message)).length;
      const server = SERVERS[turns];
      return { messages: [server ? calling(`${server}__whose`, `${server}__note`) : new AIMessage('done')] };
    })
    .addNode('tools', async (state, config) => {
      const node = new ToolNode(tools ?? (await pool.toolsFor(config)).tools);
      return (await node.invoke(state, config)) as { messages: ToolMessage[] };
    })
    .addEdge('__start__', 'model')
    .addConditionalEdges('model', ({ messages }) => {
      const last = messages.at(-1);
      return AIMessage.isInstance(last) && last.tool_calls?.length ? 'tools' : '__end__';
    })
    .addEdge('tools', 'model')
    .compile({ checkpointer });
}

describe('interleaved runs with a checkpointer', () => {
  it.each<[string, boolean]>([
    ['of tools for every principal', true],
    ['of tools that each run takes from the pool', false],
  ])(
    '%s keep the tenants apart, and nothing but the key is in checkpoints, streams and traces',
    async (_what, shared) => {
      const checkpointer = await SqlCheckpointer.open();
      const graph = agentGraph(shared ? await pool.tools('acme') : undefined, checkpointer);
      const seen: unknown[] = [];
      const traces = new TraceRecorder(seen);
      const runs = Array.from({ length: 8 }, (_, index) => ({
        thread: `thread-${index}`,
        tenant: TENANTS[index % 4] ?? '',
      }));
      const answers = await Promise.all(
        runs.map(async ({ thread, tenant }, index) => {
          const config = { context: { principal: tenant }, configurable: { thread_id: thread }, callbacks: [traces] };
          const input = { messages: [new HumanMessage('go')] };
          if (index % 2 === 0) {
            for await (const event of graph.streamEvents(input, { ...config, version: 'v2' })) seen.push(event);
          } else {
            const streamMode = ['values', 'updates', 'messages', 'debug', 'tasks', 'checkpoints', 'custom'] as const;
            for await (const chunk of await graph.stream(input, { ...config, streamMode: [...streamMode] }))
              seen.push(chunk);
          }
          const { values } = await graph.getState({ configurable: { thread_id: thread } });
          return answersIn((values as { messages: BaseMessage[] }).messages).map(({ text }) => text);
        }),
      );
      expect(answers).toEqual(runs.map(({ tenant }) => [tenant, tenant, tenant, tenant]));
      for (const tenant of TENANTS) {
        expect(world.calls.filter((call) => call.tenant === tenant)).toHaveLength(8);
      }

      const stored = checkpointer.contents() + checkpointer.bytes();
      const shown = inspect(seen, { depth: 12, maxArrayLength: null, maxStringLength: null });
      expect(stored).toContain('tickets__note');
      expect(shown).toContain('tickets__note');
      const secrets = world.secrets();
      expect(secrets.length).toBeGreaterThan(TENANTS.length * 6);
      for (const form of secrets.flatMap(formsOf)) {
        expect(stored.includes(form)).toBe(false);
        expect(shown.includes(form)).toBe(false);
      }
      // Neither is what only an owner of the principal knows.
      for (const text of ['-at-idp', '-at-as', 'Bearer ', 'session-']) expect(stored + shown).not.toContain(text);
    },
  );

  it('find a secret in each form in which it could be stored', () => {
    const secret = 'a0b1c2d3-4444-5555-6666-777788889999';
    const hash = createHash('sha256').update(secret);
    const stored = [
      secret,
      `x${Buffer.from(`{"token":"${secret}"}`).toString('base64')}`,
      Buffer.from(`ab${secret}cd`).toString('base64url'),
      Buffer.from(`b${secret}`).toString('hex'),
      hash.copy().digest('hex'),
      hash.digest('base64url'),
    ];
    for (const text of stored) expect(formsOf(secret).some((form) => text.includes(form))).toBe(true);
  });
});

describe('runs', () => {
  it('in a subgraph, in an agent as a node and by Send have the principal of the run around them', async () => {
    const tools = await pool.tools('acme');
    const inner = new StateGraph(MessagesAnnotation, context)
      .addNode('tools', new ToolNode(tools))
      .addEdge('__start__', 'tools')
      .compile();
    const model = () => fakeModel().respond(calling('wiki__whose')).respond(new AIMessage('done'));
    const graph = new StateGraph(MessagesAnnotation, context)
      .addNode('subgraph', inner)
      .addNode('agent', async (_state, config) => {
        const agent = createAgent({ model: model(), tools, contextSchema: context });
        return agent.invoke({ messages: [new HumanMessage('go')] }, { context: config.context ?? { principal: '' } });
      })
      .addNode('sent', new ToolNode(tools))
      .addEdge('__start__', 'subgraph')
      .addEdge('subgraph', 'agent')
      .addConditionalEdges('agent', () =>
        [1, 2].map(
          (index) =>
            new Send('sent', { lg_tool_call: { ...calling('tickets__note').tool_calls?.[0], id: `s${index}` } }),
        ),
      )
      .compile();
    const results = await Promise.all(
      ['globex', 'initech', 'globex'].map(async (principal) =>
        graph.invoke({ messages: [calling('tickets__whose')] }, { context: { principal } }),
      ),
    );
    expect(results.map(({ messages }) => answersIn(messages).map(({ text }) => text))).toEqual([
      ['globex', 'globex', 'globex', 'globex'],
      ['initech', 'initech', 'initech', 'initech'],
      ['globex', 'globex', 'globex', 'globex'],
    ]);
  });

  it('that LangGraph starts inside of another one have its context, unless they are given their own', async () => {
    const inner = new StateGraph(MessagesAnnotation)
      .addNode('tools', new ToolNode(await pool.tools('acme')))
      .addEdge('__start__', 'tools')
      .compile();
    const outer = new StateGraph(MessagesAnnotation, context)
      .addNode('node', async () => {
        const input = { messages: [calling('wiki__whose')] };
        const runs = [inner.invoke(input), inner.invoke(input, { context: { principal: 'initech' } })];
        return { messages: (await Promise.all(runs)).flatMap(({ messages }) => answersIn(messages)) };
      })
      .addEdge('__start__', 'node')
      .compile();
    const { messages } = await outer.invoke({ messages: [] }, { context: { principal: 'globex' } });
    expect(messages.map(({ text }) => text)).toEqual(['globex', 'initech']);
  });

  it('of createAgent call as the principal of each run, and an unknown principal harms no other run', async () => {
    const tools = await pool.tools('acme');
    const results = await Promise.all(
      [...TENANTS, 'nobody', ...TENANTS].map(async (principal) => {
        const model = fakeModel()
          .respond(calling(...EVERY_TOOL))
          .respond(new AIMessage('done'));
        const agent = createAgent({ model, tools, contextSchema: context });
        const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] }, { context: { principal } });
        return answersIn(messages).map((answer) => refusalOf(answer)?.error.code ?? answer.text);
      }),
    );
    const expected = [...TENANTS, 'unknown_principal', ...TENANTS].map((tenant) => EVERY_TOOL.map(() => tenant));
    expect(results).toEqual(expected);
  });
});

describe('tools of a run (toolsFor)', () => {
  it('belong to its principal: in a run with another key they are refused, and without one they keep their own', async () => {
    const { tools } = await pool.toolsFor({ context: { principal: 'acme' } });
    const [tool] = tools;
    await expect(tool?.invoke({})).resolves.toBe('acme');
    await expect(tool?.invoke({}, { context: { principal: 'acme' } })).resolves.toBe('acme');
    await expect(tool?.invoke({}, { context: { principal: 'globex' } })).rejects.toMatchObject({
      cause: { code: 'wrong_principal' },
    });
    expect(world.calls.map(({ tenant }) => tenant)).toEqual(['acme', 'acme']);
  });

  it('are the same objects for as long as the principal is open', async () => {
    const config = { context: { principal: 'acme' } };
    const [one, two] = [await pool.toolsFor(config), await pool.toolsFor(config)];
    expect(two).toBe(one);
    expect(two.tools).toEqual(one.tools);
    expect(two.tools.every((tool, index) => tool === one.tools[index])).toBe(true);
  });

  it('work after their principal was closed, by a new one; close of the tools does not close the principal', async () => {
    const loaded = await pool.toolsFor({ context: { principal: 'acme' } });
    await loaded.close();
    await expect(loaded.tools[0]?.invoke({})).resolves.toBe('acme');
    await pool.evict('acme');
    await expect(loaded.tools[0]?.invoke({})).resolves.toBe('acme');
    await expect(loaded.reload()).resolves.toBeUndefined();
    await pool.evict('acme');
    await expect(loaded.resources('wiki')).resolves.toMatchObject({ resources: [] });
    expect(pool.size).toBe(1);
  });

  it('and refusals of the pool are reported to onRefusal, whose errors harm nobody', async () => {
    const refusals: unknown[] = [];
    const other = principalPool({
      create: (key) => world.create(key),
      onRefusal: (error, key) => {
        refusals.push([error.code, key]);
        throw new Error('no');
      },
    });
    const [tool] = await other.tools('acme');
    for (const config of [{}, { context: { principal: 'nobody' } }]) {
      await expect(tool?.invoke({}, config)).rejects.toThrow();
      await expect(other.toolsFor(config)).rejects.toThrow();
    }
    await tool?.invoke({}, { context: { principal: 'acme' } });
    await other.close();
    expect(refusals).toEqual([
      ['no_principal', undefined],
      ['no_principal', undefined],
      ['unknown_principal', 'nobody'],
      ['unknown_principal', 'nobody'],
    ]);
  });

  it('are refused without a key, and with the error of create', async () => {
    await expect(pool.toolsFor({})).rejects.toMatchObject({ code: 'no_principal' });
    await expect(pool.toolsFor({ context: { principal: 'nobody' } })).rejects.toMatchObject({
      code: 'unknown_principal',
    });
    expect(pool.size).toBe(0);
  });

  it('can have another name for the key in the context', async () => {
    const other = principalPool({ create: (key) => world.create(key), contextKey: 'tenant id' });
    const [tool] = await other.tools('acme');
    await expect(tool?.invoke({}, { context: { 'tenant id': 'globex', principal: 'acme' } })).resolves.toBe('globex');
    await expect(tool?.invoke({}, { context: { principal: 'acme' } })).rejects.toMatchObject({
      cause: { remedy: expect.stringContaining('"tenant id": key') },
    });
    await other.close();
  });
});

describe('a principal in use', () => {
  it('is not closed in the middle of a call, also if it is evicted or others push it out', async () => {
    const small = principalPool({ create: (key) => world.create(key), maxIdle: 1 });
    const tools = await small.tools('acme');
    const calls = Array.from({ length: 40 }, async (_, index) => {
      const principal = TENANTS[index % 4] ?? '';
      if (index % 10 === 9) await small.evict(principal);
      const answer: unknown = await tools[index % tools.length]?.invoke({}, { context: { principal } });
      return [answer, principal];
    });
    for (const [answer, principal] of await Promise.all(calls)) expect(answer).toBe(principal);
    await small.close();
    expect(small.size).toBe(0);
  });

  it('whose call is aborted while its connections are made is left, and serves others', async () => {
    const [tool] = await pool.tools('acme');
    const caller = new AbortController();
    const call = tool?.invoke({}, { context: { principal: 'globex' }, signal: caller.signal });
    caller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await expect(tool?.invoke({}, { context: { principal: 'globex' } })).resolves.toBe('globex');
  });
});

it('a tool that only some principals have is refused for the others, with the server and the tool', async () => {
  const few = await startTenantsWorld(TENANTS, SERVERS, { only: { tickets: ['acme', 'globex'] } });
  const others = principalPool({ create: (key) => few.create(key) });
  const tools = await others.tools('acme');
  const ticket = tools.find(({ name }) => name === 'tickets__note');
  const call = async (principal: string) =>
    ticket?.invoke({ type: 'tool_call', id: 'x', name: 'tickets__note', args: {} }, { context: { principal } });
  expect((await call('globex'))?.text).toBe('globex');
  expect(refusalOf(await call('initech'))?.error).toMatchObject({ code: 'unknown_tool', server: 'tickets' });
  // A server that refuses the principal says why.
  few.langchain.oauth.idp.setPolicy(({ clientId, scopes = [] }) => {
    if (clientId.startsWith('umbrella')) throw new OAuthRefusal('access_denied', 'not for you');
    return scopes;
  });
  expect(refusalOf(await call('umbrella'))?.error).toMatchObject({ code: 'access_denied', contact: 'idp-admin' });
  expect(few.calls.map(({ tenant }) => tenant)).toEqual(['globex']);
  await others.close();
  await few.close();
});
