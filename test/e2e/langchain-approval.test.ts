import { ServicePrincipal } from '@credence/core';
import {
  accessMiddleware,
  type AccessMiddlewareOptions,
  loadTools,
  type LoadedTools,
  type LoadToolsOptions,
  refusalOf,
  stepUpAnswer,
  type StepUpInterrupt,
  stepUpInterruptIn,
} from '@credence/langchain';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { Command, END, MessagesAnnotation, Send, START, StateGraph } from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { createAgent } from 'langchain';
import { scriptedModel } from '../support/agent-script.ts';
import { SqlCheckpointer } from '../support/sql-checkpointer.ts';

const PROGRAM = fileURLToPath(new URL('langchain-approval-process.ts', import.meta.url));

// a process of its own can take long on a busy machine
jest.setTimeout(30_000);

let sandbox: Sandbox;
let bot: ServicePrincipal;
let checkpointer: SqlCheckpointer;
const loaded: LoadedTools[] = [];

beforeEach(async () => {
  sandbox = await startSandbox();
  bot = newBot();
  checkpointer = await SqlCheckpointer.open();
});

afterEach(async () => {
  await Promise.all(loaded.splice(0).map(async (each) => each.close()));
  await bot.close();
  await sandbox.close();
});

function newBot() {
  return ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
}

async function load(options?: LoadToolsOptions) {
  const result = await loadTools(bot, ['issues', 'documents'], options);
  loaded.push(result);
  return result;
}

const create = (title: string) => ({ name: 'issues__create_issue', args: { title } });
const sibling = { name: 'issues__list_issues' };

/** A run that can be interrupted and resumed. */
interface Run {
  start(principal?: string, thread?: string): Promise<readonly StepUpInterrupt[]>;
  resume(answer: unknown, principal?: string): Promise<readonly ToolMessage[]>;
}

const configOf = (principal: string | undefined, thread = 'one') => ({
  configurable: { thread_id: thread },
  ...(principal !== undefined && { context: { principal } }),
});

function interruptsOf(result: object): readonly StepUpInterrupt[] {
  const interrupts = '__interrupt__' in result ? (result.__interrupt__ as { value: unknown }[]) : [];
  return interrupts.flatMap(({ value }) => stepUpInterruptIn(value) ?? []);
}

/** The graphs in which a call can be interrupted. */
const graphs = {
  'createAgent with accessMiddleware': async (...calls: { name: string; args?: Record<string, unknown> }[]) => {
    const { tools } = await load();
    return agentRun(calls, tools, { approveStepUp: 'interrupt' });
  },
  'createAgent with tools that ask': async (...calls: { name: string; args?: Record<string, unknown> }[]) => {
    const { tools } = await load({ approveStepUp: 'interrupt' });
    return agentRun(calls, tools, {});
  },
  'a ToolNode with a task for each call': async (...calls: { name: string; args?: Record<string, unknown> }[]) => {
    const { tools } = await load({ approveStepUp: 'interrupt' });
    return toolNodeRun(calls, tools, 'task for each call');
  },
  'a ToolNode with one task': async (...calls: { name: string; args?: Record<string, unknown> }[]) => {
    const { tools } = await load({ approveStepUp: 'interrupt' });
    return toolNodeRun(calls, tools, 'one task');
  },
};

function agentRun(calls: { name: string }[], tools: LoadedTools['tools'], options: AccessMiddlewareOptions): Run {
  const model = scriptedModel(calls);
  const agent = createAgent({ model, tools, middleware: [accessMiddleware(options)], checkpointer });
  return {
    async start(principal, thread) {
      return interruptsOf(await agent.invoke({ messages: [new HumanMessage('go')] }, configOf(principal, thread)));
    },
    async resume(answer, principal) {
      const command = new Command({ resume: answer });
      return (await agent.invoke(command, configOf(principal))).messages.filter((each) => ToolMessage.isInstance(each));
    },
  };
}

// #region send
/** For `addConditionalEdges` after the model: a task of the ToolNode `tools` for each tool call. */
function taskForEachCall(state: typeof MessagesAnnotation.State) {
  const last = state.messages.at(-1);
  const calls = AIMessage.isInstance(last) ? (last.tool_calls ?? []) : [];
  return calls.length === 0 ? END : calls.map((call) => new Send('tools', { ...state, lg_tool_call: call }));
}
// #endregion

function toolNodeRun(
  calls: { name: string }[],
  tools: LoadedTools['tools'],
  how: 'task for each call' | 'one task',
): Run {
  const model = scriptedModel(calls);
  const graph = new StateGraph(MessagesAnnotation)
    .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addNode('tools', new ToolNode(tools))
    .addEdge(START, 'model')
    .addConditionalEdges('model', how === 'one task' ? toolsCondition : taskForEachCall)
    .addEdge('tools', 'model')
    .compile({ checkpointer });
  return {
    async start(principal, thread) {
      return interruptsOf(await graph.invoke({ messages: [new HumanMessage('go')] }, configOf(principal, thread)));
    },
    async resume(answer, principal) {
      const command = new Command<unknown, Record<string, unknown>, 'model' | 'tools'>({ resume: answer });
      return (await graph.invoke(command, configOf(principal))).messages.filter((each) => ToolMessage.isInstance(each));
    },
  };
}

/** The names of the tools that ran at the servers, and how often the issue tracker was changed. */
function ran() {
  const { issues, documents } = sandbox.servers;
  return { issues: issues.requests.toolCalls, documents: documents.requests.toolCalls };
}

describe.each(Object.entries(graphs))('a step-up that a person approves by an interrupt, in %s', (_name, start) => {
  it('is asked for before the call has an effect, and the call is made once after the approval', async () => {
    const run = await start(create('by a person'));
    const [asked] = await run.start('tenant-a');
    expect(asked).toEqual({
      type: 'credence-step-up',
      question: expect.stringMatching(/^[\w-]{43}$/u),
      principal: 'tenant-a',
      server: 'issues',
      scopes: ['issues:write'],
      call: { id: '0-0', name: 'issues__create_issue', args: { title: 'by a person' } },
    });
    expect(ran()).toEqual({ issues: 0, documents: 0 });

    const [answer] = await run.resume(stepUpAnswer(asked, true), 'tenant-a');
    expect(answer).toMatchObject({ status: 'success', tool_call_id: '0-0' });
    expect(ran()).toEqual({ issues: 1, documents: 0 });
  });

  it('refuses a resume for another principal, and makes no call', async () => {
    const run = await start(create('of tenant a'), sibling);
    const [asked] = await run.start('tenant-a');
    const before = ran();
    for (const answer of [stepUpAnswer(asked, true), { ...stepUpAnswer(asked, true), principal: 'tenant-b' }]) {
      const answers = await run.resume(answer, 'tenant-b');
      const refused = answers.find((each) => refusalOf(each) !== undefined);
      expect(refusalOf(refused)?.error).toMatchObject({ code: 'wrong_principal', contact: 'you' });
    }
    expect(sandbox.audit.records.filter(({ grantedScopes }) => grantedScopes.includes('issues:write'))).toEqual([]);
    expect(ran()).toEqual(before);
  });

  it('neither repeats nor loses a call that was in flight in the same step', async () => {
    const run = await start(sibling, create('with siblings'), { name: 'documents__list_documents' }, sibling);
    const [asked] = await run.start('tenant-a');
    // In a ToolNode with one task the interrupt ends the step while other calls are in flight.
    while (ran().issues < 2 || ran().documents < 1) await new Promise((resolve) => setTimeout(resolve, 5));

    const answers = await run.resume(stepUpAnswer(asked, true), 'tenant-a');
    expect(answers.map(({ status }) => status)).toEqual(['success', 'success', 'success', 'success']);
    expect(answers.map(({ tool_call_id: id }) => id).toSorted()).toEqual(['0-0', '0-1', '0-2', '0-3']);
    expect(ran()).toEqual({ issues: 3, documents: 1 });
  });

  it('is denied by the answer, also if the scope was added for another call in the meantime', async () => {
    const run = await start(create('denied'));
    const [asked] = await run.start();
    await (
      await loadTools(bot, ['issues'])
    ).tools
      .find(({ name }) => name === create('').name)
      ?.invoke({ title: 'other' });
    expect(ran()).toEqual({ issues: 1, documents: 0 });

    const [answer] = await run.resume(stepUpAnswer(asked, false));
    expect(refusalOf(answer)?.error).toMatchObject({ code: 'insufficient_scope', missingScopes: ['issues:write'] });
    expect(answer?.text).toContain('adding them was not approved');
    expect(ran()).toEqual({ issues: 1, documents: 0 });
  });
});

describe.each(['createAgent with accessMiddleware', 'a ToolNode with one task'] as const)(
  'a step-up in %s',
  (graph) => {
    it.each<[string, (asked: StepUpInterrupt) => unknown]>([
      ['true', () => true],
      ['the answer to another call', (asked) => ({ ...stepUpAnswer(asked, true), call: { ...asked.call, id: '0-9' } })],
      ['the answer for another server', (asked) => ({ ...stepUpAnswer(asked, true), server: 'documents' })],
      ['the approval of other scopes', (asked) => ({ ...stepUpAnswer(asked, true), scopes: ['issues:read'] })],
    ])('is refused if the run is resumed with %s', async (_what, answerTo) => {
      const run = await graphs[graph](create('refused'));
      const [asked] = await run.start('tenant-a');
      const [answer] = asked ? await run.resume(answerTo(asked), 'tenant-a') : [];
      expect(refusalOf(answer)?.error).toMatchObject({ code: 'insufficient_scope', contact: 'you' });
      expect(answer?.text).toContain('stepUpAnswer(interrupt.value, true)');
      expect(ran()).toEqual({ issues: 0, documents: 0 });
    });
  },
);

describe('an interrupted run of an agent that is resumed in another process', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credence-'));
    checkpointer = await SqlCheckpointer.open(join(folder, 'checkpoints.sqlite'));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  it('makes the approved call once, not the calls that had their answers, and no call for another principal', async () => {
    const start = graphs['createAgent with accessMiddleware'];
    const runs = [await start(sibling, create('elsewhere')), await start(sibling, create('of another'))];
    const asked = await Promise.all(
      runs.map(async (run, index) => (await run.start('tenant-a', `run-${index}`)).at(0)),
    );
    expect(ran()).toEqual({ issues: 2, documents: 0 });
    await bot.close();

    const [approved, refused] = await resumedElsewhere([
      { thread: 'run-0', principal: 'tenant-a', answer: stepUpAnswer(asked[0], true) },
      { thread: 'run-1', principal: 'tenant-b', answer: { ...stepUpAnswer(asked[1], true), principal: 'tenant-b' } },
    ]);
    expect(approved).toMatchObject([
      { status: 'success' },
      { status: 'success', text: expect.stringContaining('elsewhere') },
    ]);
    expect(refused).toMatchObject([
      { status: 'success' },
      { status: 'error', text: expect.stringContaining('another principal') },
    ]);
    expect(ran()).toEqual({ issues: 3, documents: 0 });
  });

  /** Resumes runs in a process of its own. Resolves to the tool messages of each. */
  async function resumedElsewhere(resumes: readonly object[]): Promise<unknown[]> {
    const args = [join(folder, 'checkpoints.sqlite'), JSON.stringify(resumes)];
    const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, ...args], {
      env: { PATH: process.env['PATH'], ...sandbox.principals['reporting-bot'].env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return JSON.parse(await text(child.stdout)) as unknown[];
  }
});

describe('stepUpAnswer', () => {
  it.each([undefined, 'Add issues:write?', { type: 'credence-step-up' }])('throws for the value %j', (value) => {
    expect(() => stepUpAnswer(value, true)).toThrow(
      expect.objectContaining({ code: 'invalid_configuration', contact: 'you' }),
    );
  });
});
