import { ServicePrincipal } from '@credence/core';
import { accessMiddleware, loadTools, type LoadedTools, type ToolCallTrace } from '@credence/langchain';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import { HumanMessage } from '@langchain/core/messages';
import { BaseTracer, type Run } from '@langchain/core/tracers/base';
import { createAgent } from 'langchain';
import { scriptedModel } from '../support/agent-script.ts';
import { SqlCheckpointer } from '../support/sql-checkpointer.ts';

let sandbox: Sandbox;
let bot: ServicePrincipal;
let loaded: LoadedTools;
/** Every access token that a server has received. */
let tokens: Set<string>;
/** How far the clock of the bot is ahead, in milliseconds. */
let aheadMs: number;

beforeEach(async () => {
  sandbox = await startSandbox();
  tokens = new Set();
  aheadMs = 0;
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env, {
    clock: { wallMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs },
    fetch: async (input, init) => {
      const authorization = new Headers(init?.headers).get('authorization');
      if (authorization?.startsWith('Bearer ')) tokens.add(authorization.slice('Bearer '.length));
      return fetch(input, init);
    },
  });
  loaded = await loadTools(bot, ['issues', 'documents']);
});
afterEach(async () => {
  await loaded.close();
  await bot.close();
  await sandbox.close();
});

/** A tracer that keeps the runs of tools, and everything that it gets, as text. */
class Tracer extends BaseTracer {
  readonly name = 'test-tracer';
  readonly tools: Run[] = [];
  protected async persistRun(run: Run): Promise<void> {
    const all = [run];
    for (const each of all) {
      all.push(...each.child_runs);
      if (each.run_type === 'tool') this.tools.push(each);
    }
    return Promise.resolve();
  }
}

/** A callback handler that writes down everything that it gets, at once. */
class Writer extends BaseCallbackHandler {
  readonly name = 'test-writer';
  readonly started: { readonly [key: string]: unknown }[] = [];
  readonly written: string[] = [];
  override async handleToolStart(...all: unknown[]): Promise<void> {
    const [, , , , , metadata] = all;
    this.started.push(structuredClone(metadata) as { [key: string]: unknown });
    return this.#write(all);
  }
  override handleToolEnd = async (...all: unknown[]): Promise<void> => this.#write(all);
  override handleToolError = async (...all: unknown[]): Promise<void> => this.#write(all);
  override handleChainStart = async (...all: unknown[]): Promise<void> => this.#write(all);
  override handleChainEnd = async (...all: unknown[]): Promise<void> => this.#write(all);
  async #write(all: unknown[]): Promise<void> {
    this.written.push(JSON.stringify(all));
    return Promise.resolve();
  }
}

const traceOf = ({ extra }: Run) => extra?.['metadata']?.credence_call as ToolCallTrace;
const steps = [
  [{ name: 'issues__list_issues' }, { name: 'documents__list_documents' }],
  [{ name: 'issues__create_issue', args: { title: 'traced' } }],
  [{ name: 'issues__get_issue', args: { id: 'H-0' } }],
];

function agentWith(checkpointer?: SqlCheckpointer) {
  const middleware = [accessMiddleware({ tools: loaded })];
  return createAgent({
    model: scriptedModel(...steps),
    tools: loaded.tools,
    middleware,
    ...(checkpointer && { checkpointer }),
  });
}

const input = { messages: [new HumanMessage('go')] };

function expectNoToken(text: string): void {
  expect(tokens.size).toBeGreaterThan(0);
  for (const token of tokens) expect(text).not.toContain(token);
}

describe('the run of a tool call', () => {
  it('carries server, scopes and age of the token, of the call itself, and never the token', async () => {
    const [tracer, writer] = [new Tracer(), new Writer()];
    await agentWith().invoke(input, { callbacks: [tracer, writer] });
    const byTool = Object.fromEntries(tracer.tools.map((run) => [run.name, traceOf(run)]));
    const tokenAgeMs = expect.any(Number);
    expect(byTool).toEqual({
      issues__list_issues: { server: 'issues', tool: 'list_issues', scopes: ['issues:read'], tokenAgeMs },
      documents__list_documents: {
        server: 'documents',
        tool: 'list_documents',
        scopes: ['documents:read'],
        tokenAgeMs,
      },
      issues__create_issue: {
        server: 'issues',
        tool: 'create_issue',
        scopes: expect.arrayContaining(['issues:read', 'issues:write']),
        tokenAgeMs,
      },
      issues__get_issue: {
        server: 'issues',
        tool: 'get_issue',
        scopes: expect.arrayContaining(['issues:write']),
        tokenAgeMs,
      },
    });
    expect(writer.started).toHaveLength(4);
    for (const { credence_call: trace } of writer.started) {
      expect(trace).toEqual({
        server: expect.any(String),
        tool: expect.any(String),
        scopes: expect.arrayContaining([expect.stringMatching(':read')]),
        tokenAgeMs,
      });
    }
    expectNoToken(writer.written.join('\n'));
    expectNoToken(JSON.stringify(tracer.tools));
  });

  it('has the age of the token with which the call was sent, also after the token was replaced', async () => {
    const call = async (tracer: Tracer) =>
      loaded.tools.find(({ name }) => name === 'issues__list_issues')?.invoke({}, { callbacks: [tracer] });
    const [first, second] = [new Tracer(), new Tracer()];
    aheadMs = 100;
    await call(first);
    sandbox.authorizationServers.main.revokeTokens({ server: 'issues' });
    await call(second);
    const ages = [first, second].map(({ tools: [run] }) => run && traceOf(run).tokenAgeMs);
    expect(ages[0]).toBeGreaterThanOrEqual(100);
    expect(ages[1]).toBeLessThan(ages[0] ?? 0);
  });

  it('carries these members also for a call that is refused', async () => {
    sandbox.policy.pauseServer('issues');
    sandbox.authorizationServers.main.revokeTokens({ server: 'issues' });
    const tracer = new Tracer();
    await agentWith().invoke(input, { callbacks: [tracer] });
    const refused = tracer.tools.find(({ name }) => name === 'issues__list_issues');
    expect(refused && traceOf(refused)).toEqual({
      server: 'issues',
      tool: 'list_issues',
      scopes: ['issues:read'],
      tokenAgeMs: expect.any(Number),
    });
  });

  it('does not mix calls that run at the same time', async () => {
    const tracer = new Tracer();
    const names = Array.from({ length: 20 }, (_, index) =>
      index % 2 ? 'issues__list_issues' : 'documents__list_documents',
    );
    await Promise.all(
      names.map(async (wanted) =>
        loaded.tools.find(({ name }) => name === wanted)?.invoke({}, { callbacks: [tracer] }),
      ),
    );
    expect(tracer.tools).toHaveLength(20);
    for (const run of tracer.tools) {
      const { server, scopes } = traceOf(run);
      expect(run.name.startsWith(`${server}__`) && scopes).toEqual([`${server}:read`]);
    }
  });
});

describe('a stream of an agent', () => {
  it('contains no token in any mode, and neither do the checkpoints', async () => {
    const checkpointer = await SqlCheckpointer.open();
    const config = { configurable: { thread_id: 'one' }, context: { principal: 'tenant-a' } };
    const streamMode = ['values', 'updates', 'messages', 'debug', 'tasks', 'checkpoints', 'custom'] as const;
    const chunks = new Map<string, string>();
    for await (const [mode, chunk] of await agentWith(checkpointer).stream(input, {
      ...config,
      streamMode: [...streamMode],
    })) {
      chunks.set(mode, `${chunks.get(mode) ?? ''}${JSON.stringify(chunk)}`);
    }
    expect(sandbox.servers.issues.requests.toolCalls).toBe(3);
    for (const mode of streamMode.filter((each) => each !== 'custom')) expect(chunks.get(mode)).toContain('traced');
    expectNoToken([...chunks.values()].join('\n'));
    expect(checkpointer.contents()).toContain('traced');
    expectNoToken(checkpointer.contents());
  });

  it('of events contains no token, and names server, scopes and age with each event of a tool', async () => {
    const events: string[] = [];
    const ofTools: unknown[] = [];
    for await (const event of agentWith().streamEvents(input, { version: 'v2' })) {
      events.push(JSON.stringify(event));
      if (event.event.startsWith('on_tool')) ofTools.push(event.metadata['credence_call']);
    }
    expect(ofTools).toHaveLength(8);
    for (const trace of ofTools) {
      expect(trace).toMatchObject({
        server: expect.any(String),
        scopes: expect.any(Array),
        tokenAgeMs: expect.any(Number),
      });
    }
    expectNoToken(events.join('\n'));
  });
});
