import { ServicePrincipal } from '@credence/core';
import {
  accessMiddleware,
  type AccessMiddlewareOptions,
  loadTools,
  type LoadedTools,
  refusalOf,
} from '@credence/langchain';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { Command, interrupt, MemorySaver } from '@langchain/langgraph';
import { createAgent, tool } from 'langchain';
import { z } from 'zod';

// a hundred calls over HTTP take their time on a busy machine
jest.setTimeout(30_000);

let sandbox: Sandbox;
let bot: ServicePrincipal;
let loaded: LoadedTools;

beforeEach(async () => {
  sandbox = await startSandbox({ singleUseIdJags: true });
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
  loaded = await loadTools(bot, ['issues', 'documents']);
  expect(loaded.failures).toEqual([]);
});

afterEach(async () => {
  await loaded.close();
  await bot.close();
  await sandbox.close();
});

interface Call {
  name: string;
  args?: Record<string, unknown>;
  before?: () => void;
}

/** Lets a model make these calls under the middleware; what it was offered each time, and what it was answered. */
async function run(options: AccessMiddlewareOptions | undefined, ...calls: Call[]) {
  const { model, offered } = scripted(calls);
  const agent = createAgent({ model, tools: loaded.tools, middleware: [accessMiddleware(options)] });
  const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] });
  expect(messages.at(-1)?.text).toBe('done');
  return { answers: messages.filter((message) => ToolMessage.isInstance(message)), offered };
}

function scripted(calls: readonly Call[]) {
  const model = fakeModel();
  const offered: string[][] = [];
  const bindTools = model.bindTools.bind(model);
  model.bindTools = (tools) => {
    offered.push(tools.map((each) => each.name));
    return bindTools(tools);
  };
  for (const [index, { name, args = {}, before }] of calls.entries()) {
    model.respond(() => {
      before?.();
      return new AIMessage({ content: '', tool_calls: [{ type: 'tool_call', id: `call-${index}`, name, args }] });
    });
  }
  model.respond(new AIMessage('done'));
  return { model, offered };
}

function refuseIssues() {
  sandbox.policy.pauseServer('issues');
  sandbox.authorizationServers.main.revokeTokens({ server: 'issues' });
}

describe('accessMiddleware', () => {
  it('hides tools by a rule, also from a model that calls them all the same', async () => {
    const { answers, offered } = await run(
      { hide: ({ server, tool: name }) => server === 'documents' || name === 'create_issue' },
      { name: 'issues__list_issues' },
      { name: 'documents__list_documents' },
    );
    expect(offered[0]).toEqual(['issues__list_issues', 'issues__get_issue', 'issues__search_issues']);
    expect(answers[0]?.status).toBe('success');
    expect(answers[1]).toMatchObject({ status: 'error', artifact: { type: 'credence-denial', rule: 'hide' } });
    expect(sandbox.servers.documents.requests.toolCalls).toBe(0);
  });

  it('hides the tools of a server that refused', async () => {
    const { answers, offered } = await run(undefined, { name: 'issues__list_issues', before: refuseIssues });
    expect(refusalOf(answers[0])?.error).toMatchObject({ code: 'access_denied', server: 'issues' });
    expect(offered[0]).toHaveLength(7);
    expect(offered.at(-1)).toEqual([
      'documents__list_documents',
      'documents__read_document',
      'documents__search_documents',
    ]);
  });

  it('shows them again after a minute', async () => {
    const now = performance.now.bind(performance);
    const { offered } = await run(
      undefined,
      { name: 'issues__list_issues', before: refuseIssues },
      {
        name: 'documents__list_documents',
        before: () => void jest.spyOn(performance, 'now').mockImplementation(() => now() + 60_000),
      },
    );
    const [before, refused, afterAMinute] = offered.map((names) => names.length);
    expect({ before, refused, afterAMinute }).toEqual({ before: 7, refused: 3, afterAMinute: 7 });
    expect(offered).toHaveLength(3);
  });

  it('hides but the one tool whose scope was refused, and nothing if told so', async () => {
    sandbox.policy.revokeScope('reporting-bot', 'issues', 'issues:write');
    const create: Call = { name: 'issues__create_issue', args: { title: 'x' } };
    const hidden = await run(undefined, create);
    expect(refusalOf(hidden.answers[0])).toBeDefined();
    expect(hidden.offered.at(-1)).toContain('issues__list_issues');
    expect(hidden.offered.at(-1)).not.toContain('issues__create_issue');
    const shown = await run({ hideRefusedForMs: 0 }, create);
    expect(refusalOf(shown.answers[0])).toBeDefined();
    expect(shown.offered.at(-1)).toContain('issues__create_issue');
  });

  it('asks for approval of each call; a call that is not approved is never made', async () => {
    const asked: unknown[] = [];
    const { answers } = await run(
      {
        async approve(call) {
          asked.push(call);
          await Promise.resolve();
          if (call.server === 'documents') return 'Documents are for weekdays.';
          return call.tool !== 'create_issue';
        },
      },
      { name: 'issues__list_issues', args: { limit: 1 } },
      { name: 'issues__create_issue', args: { title: 'x' } },
      { name: 'documents__list_documents' },
    );
    expect(asked[0]).toEqual({
      server: 'issues',
      tool: 'list_issues',
      name: 'issues__list_issues',
      args: { limit: 1 },
      id: 'call-0',
    });
    expect(answers).toMatchObject([{ status: 'success' }, { status: 'error' }, { status: 'error' }]);
    expect(answers[1]?.text).toBe('This call of issues__create_issue was not approved.');
    expect(answers[2]?.text).toBe(
      'This call of documents__list_documents was not approved: Documents are for weekdays.',
    );
    expect(answers[2]?.artifact).toEqual({
      type: 'credence-denial',
      rule: 'approve',
      reason: 'Documents are for weekdays.',
    });
    expect(sandbox.servers.issues.requests.toolCalls).toBe(1);
    expect(sandbox.servers.documents.requests.toolCalls).toBe(0);
  });

  it('lets a person decide, by an interrupt', async () => {
    const { model } = scripted([{ name: 'issues__create_issue', args: { title: 'by a person' } }]);
    const agent = createAgent({
      model,
      tools: loaded.tools,
      middleware: [accessMiddleware({ approve: ({ name }) => interrupt<string, boolean>(`May it call ${name}?`) })],
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: 'one' } };
    const waiting = await agent.invoke({ messages: [new HumanMessage('go')] }, config);
    expect(waiting).toMatchObject({ __interrupt__: [{ value: 'May it call issues__create_issue?' }] });
    expect(sandbox.servers.issues.requests.toolCalls).toBe(0);

    const { messages } = await agent.invoke(new Command({ resume: true }), config);
    expect(messages.at(-1)?.text).toBe('done');
    expect(sandbox.servers.issues.requests.toolCalls).toBe(1);
  });

  it('lets a person decide about a step-up, by an interrupt', async () => {
    const { model } = scripted([{ name: 'issues__create_issue', args: { title: 'by a person' } }]);
    const agent = createAgent({
      model,
      tools: loaded.tools,
      middleware: [
        accessMiddleware({ approveStepUp: ({ scopes }) => interrupt<string, boolean>(`Add ${scopes.join()}?`) }),
      ],
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: 'two' } };
    const waiting = await agent.invoke({ messages: [new HumanMessage('go')] }, config);
    expect(waiting).toMatchObject({ __interrupt__: [{ value: 'Add issues:write?' }] });
    expect(sandbox.servers.issues.requests.toolCalls).toBe(0);

    const { messages } = await agent.invoke(new Command({ resume: true }), config);
    expect(messages.find((message) => ToolMessage.isInstance(message))?.status).toBe('success');
    expect(sandbox.servers.issues.requests.toolCalls).toBe(1);
  });

  it.each(['hide', 'approve', 'approveStepUp'] as const)(
    'ends the run, and does nothing, where %s throws',
    async (rule) => {
      const options = {
        [rule]: () => {
          throw new Error('the rules cannot be read');
        },
      };
      await expect(run(options, { name: 'issues__create_issue', args: { title: 'x' } })).rejects.toThrow(
        'the rules cannot be read',
      );
      expect(sandbox.servers.issues.requests.toolCalls).toBe(0);
    },
  );

  it.each([{ aprove: () => false }, { approve: false }, { hideRefusedForMs: -1 }])(
    'refuses the options %j',
    (options) => {
      expect(() => accessMiddleware(options as AccessMiddlewareOptions)).toThrow(
        expect.objectContaining({ code: 'invalid_configuration', contact: 'you' }),
      );
    },
  );

  it('asks for approval before a scope is added, and not again while it is there', async () => {
    const asked: unknown[] = [];
    const create: Call = { name: 'issues__create_issue', args: { title: 'x' } };
    const { answers } = await run(
      { approveStepUp: (request) => asked.push(request) > 0 },
      { name: 'issues__list_issues' },
      create,
      create,
    );
    expect(answers).toMatchObject([{ status: 'success' }, { status: 'success' }, { status: 'success' }]);
    expect(asked).toEqual([
      {
        server: 'issues',
        scopes: ['issues:write'],
        call: {
          server: 'issues',
          tool: 'create_issue',
          name: 'issues__create_issue',
          args: { title: 'x' },
          id: 'call-1',
        },
      },
    ]);
  });

  it('keeps the scope out where it is not approved; the model is told, the run goes on', async () => {
    const { answers } = await run(
      { approveStepUp: () => false },
      { name: 'issues__create_issue', args: { title: 'x' } },
      { name: 'issues__list_issues' },
    );
    expect(refusalOf(answers[0])?.error).toMatchObject({ code: 'insufficient_scope', missingScopes: ['issues:write'] });
    expect(answers[0]?.text).toContain('adding it was not approved');
    expect(answers[1]?.status).toBe('success');
    expect(sandbox.audit.records.filter(({ grantedScopes }) => grantedScopes.includes('issues:write'))).toEqual([]);
  });

  it('needs the approval of every middleware that asks for it', async () => {
    const { model } = scripted([{ name: 'issues__create_issue', args: { title: 'x' } }]);
    const asked: string[] = [];
    const middleware = ['outer', 'inner'].map((name) => {
      const made = accessMiddleware({ approveStepUp: () => asked.push(name) > 0 && name === 'outer' });
      return { ...made, name };
    });
    const { messages } = await createAgent({ model, tools: loaded.tools, middleware }).invoke({
      messages: [new HumanMessage('go')],
    });
    expect(asked).toEqual(['outer', 'inner']);
    expect(refusalOf(messages.find((message) => ToolMessage.isInstance(message)))).toBeDefined();
  });

  it("leaves errors of tools themselves to the model, and ends the run for onRefused: 'throw'", async () => {
    const { answers } = await run(undefined, { name: 'issues__get_issue', args: { id: 'H-0' } });
    expect(answers[0]).toMatchObject({ status: 'error', content: expect.stringContaining('There is no issue H-0') });

    const strict = await loadTools(bot, ['issues'], { onRefused: 'throw' });
    refuseIssues();
    const { model } = scripted([{ name: 'issues__list_issues' }]);
    const agent = createAgent({ model, tools: strict.tools, middleware: [accessMiddleware()] });
    await expect(agent.invoke({ messages: [new HumanMessage('go')] })).rejects.toMatchObject({
      name: 'ToolException',
      cause: { name: 'CredenceError', code: 'access_denied' },
    });
    await strict.close();
  });

  it('governs other tools too', async () => {
    const clock = tool(() => 'noon', { name: 'clock', description: 'tells the time', schema: z.object({}) });
    const { model } = scripted([{ name: 'clock' }]);
    const agent = createAgent({
      model,
      tools: [clock],
      middleware: [accessMiddleware({ approve: ({ name }) => name === 'clock' })],
    });
    const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] });
    expect(messages.find((message) => ToolMessage.isInstance(message))?.text).toBe('noon');
  });
});
