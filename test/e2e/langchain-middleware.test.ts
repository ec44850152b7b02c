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

// a hundred calls over HTTP can take long on a busy machine
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

/** Runs an agent whose model makes these calls. Resolves to the tools that the model was offered each time, and to the answers. */
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
  it('hides tools by a rule, and refuses a call of a hidden tool', async () => {
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

  it('hides the tools of a server after a refusal', async () => {
    const { answers, offered } = await run(undefined, { name: 'issues__list_issues', before: refuseIssues });
    expect(refusalOf(answers[0])?.error).toMatchObject({ code: 'access_denied', server: 'issues' });
    expect(offered[0]).toHaveLength(7);
    expect(offered.at(-1)).toEqual([
      'documents__list_documents',
      'documents__read_document',
      'documents__search_documents',
    ]);
  });

  it('shows the tools of a refused server again after a minute', async () => {
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

  it('hides only the tool whose scope was refused, and no tool with hideRefusedForMs: 0', async () => {
    sandbox.policy.revokeScope('reporting-bot', 'issues', 'issues:write');
    const create: Call = { name: 'issues__create_issue', args: { title: 'x' } };
    const hidden = await run(undefined, create);
    expect(refusalOf(hidden.answers[0])).toBeDefined();
    expect(hidden.offered.at(-1)).toContain('issues__list_issues');
    expect(hidden.offered.at(-1)).not.toContain('issues__create_issue');
    const visible = await run({ hideRefusedForMs: 0 }, create);
    expect(refusalOf(visible.answers[0])).toBeDefined();
    expect(visible.offered.at(-1)).toContain('issues__create_issue');
  });

  it('calls approve for each call, and does not make a call that is not approved', async () => {
    const requests: unknown[] = [];
    const { answers } = await run(
      {
        async approve(call) {
          requests.push(call);
          await Promise.resolve();
          if (call.server === 'documents') return 'Documents are for weekdays.';
          return call.tool !== 'create_issue';
        },
      },
      { name: 'issues__list_issues', args: { limit: 1 } },
      { name: 'issues__create_issue', args: { title: 'x' } },
      { name: 'documents__list_documents' },
    );
    expect(requests[0]).toEqual({
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

  it('lets a person approve a call by an interrupt', async () => {
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

  it('lets a person approve an additional scope by an interrupt', async () => {
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

  it('hides the tools whose scope this bot cannot get, before the first turn, with hideUnusable', async () => {
    const env: Record<string, string> = { ...sandbox.principals['reporting-bot'].env };
    const name = Object.keys(env).find((key) => /ISSUES_STEP_UP$/u.test(key)) ?? '';
    expect(env[name]).toBe('issues:write');
    delete env[name];
    const limited = ServicePrincipal.fromEnv(env);
    const { tools, close } = await loadTools(limited, ['issues']);
    const { model, offered } = scripted([{ name: 'issues__create_issue', args: { title: 'x' } }]);
    const agent = createAgent({ model, tools, middleware: [accessMiddleware({ hideUnusable: true })] });
    const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] });
    expect(offered[0]).toEqual(['issues__list_issues', 'issues__get_issue', 'issues__search_issues']);
    expect(messages.find((message) => ToolMessage.isInstance(message))?.artifact).toEqual({
      type: 'credence-denial',
      rule: 'hideUnusable',
    });
    expect(sandbox.servers.issues.requests.toolCalls).toBe(0);
    const usual = await run({ hideUnusable: true });
    expect(usual.offered[0]).toContain('issues__create_issue');
    await close();
    await limited.close();
  });

  it.each(['hide', 'approve', 'approveStepUp'] as const)(
    'ends the run and makes no call if %s throws',
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
    'throws for the invalid options %j',
    (options) => {
      expect(() => accessMiddleware(options as AccessMiddlewareOptions)).toThrow(
        expect.objectContaining({ code: 'invalid_configuration', contact: 'you' }),
      );
    },
  );

  it('calls approveStepUp before a scope is added, and not again while the token has that scope', async () => {
    const requests: unknown[] = [];
    const create: Call = { name: 'issues__create_issue', args: { title: 'x' } };
    const { answers } = await run(
      { approveStepUp: (request) => requests.push(request) > 0 },
      { name: 'issues__list_issues' },
      create,
      create,
    );
    expect(answers).toMatchObject([{ status: 'success' }, { status: 'success' }, { status: 'success' }]);
    expect(requests).toEqual([
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

  it('does not request a scope that is not approved, and the model receives an error and continues', async () => {
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

  it('adds a scope only if every middleware approves it', async () => {
    const { model } = scripted([{ name: 'issues__create_issue', args: { title: 'x' } }]);
    const callOrder: string[] = [];
    const middleware = ['outer', 'inner'].map((name) => {
      const created = accessMiddleware({ approveStepUp: () => callOrder.push(name) > 0 && name === 'outer' });
      return { ...created, name };
    });
    const { messages } = await createAgent({ model, tools: loaded.tools, middleware }).invoke({
      messages: [new HumanMessage('go')],
    });
    expect(callOrder).toEqual(['outer', 'inner']);
    expect(refusalOf(messages.find((message) => ToolMessage.isInstance(message)))).toBeDefined();
  });

  it("passes an error of a tool and a refusal to the model, also with onRefused: 'throw'", async () => {
    const { answers } = await run(undefined, { name: 'issues__get_issue', args: { id: 'H-0' } });
    expect(answers[0]).toMatchObject({ status: 'error', content: expect.stringContaining('There is no issue H-0') });

    const strict = await loadTools(bot, ['issues'], { onRefused: 'throw' });
    refuseIssues();
    const { model } = scripted([{ name: 'issues__list_issues' }]);
    const agent = createAgent({ model, tools: strict.tools, middleware: [accessMiddleware()] });
    const { messages } = await agent.invoke({ messages: [new HumanMessage('go')] });
    const answer = messages.find((message) => ToolMessage.isInstance(message));
    expect(refusalOf(answer)?.error).toMatchObject({ code: 'access_denied', contact: 'idp-admin' });
    expect(answer).toMatchObject({ status: 'error', content: expect.stringContaining('Who can help') });
    await strict.close();
  });

  it('applies its rules also to tools that are not from an MCP server', async () => {
    const clock = tool(() => 'noon', { name: 'clock', description: 'returns the time', schema: z.object({}) });
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
