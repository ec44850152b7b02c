import { ServicePrincipal } from '@credence/core';
import { accessMiddleware, type LoadedTools, loadTools, refusalOf } from '@credence/langchain';
import { type Sandbox, startSandbox } from '@credence/sandbox';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt';
import { createAgent } from 'langchain';

const ADMINISTRATOR = "the identity provider's administrator";

let sandbox: Sandbox;
let bot: ServicePrincipal;
let loaded: LoadedTools;

beforeEach(async () => {
  sandbox = await startSandbox({ singleUseIdJags: true });
  bot = ServicePrincipal.fromEnv(sandbox.principals['reporting-bot'].env);
});
afterEach(async () => {
  await loaded.close();
  await bot.close();
  await sandbox.close();
});

/** Calls a tool of two servers, then the first one again, and the second one. Its answer repeats the sentence that names whom to ask. */
function model(between: () => void = () => undefined) {
  const calls = (...names: string[]) =>
    new AIMessage({
      content: '',
      tool_calls: names.map((name) => ({ type: 'tool_call', id: `${name} ${Math.random()}`, name, args: {} })),
    });
  return fakeModel()
    .respond(calls('issues__list_issues', 'documents__list_documents'))
    .respond(() => {
      between();
      return calls('issues__list_issues', 'documents__list_documents');
    })
    .respond(calls('documents__list_documents'))
    .respond((seen) => {
      const texts = seen.filter((message) => !AIMessage.isInstance(message)).map(({ text }) => text);
      const about = texts.flatMap((text) => text.split('\n')).find((line) => line.includes(ADMINISTRATOR));
      return new AIMessage(`The report is finished, without one server. ${about ?? 'I do not know whom to ask.'}`);
    });
}

/** The ways to run an agent. Each returns the final messages. */
const AGENTS = {
  'createAgent with accessMiddleware': async (script: ReturnType<typeof model>) => {
    const agent = createAgent({ model: script, middleware: [accessMiddleware({ tools: loaded })] });
    return (await agent.invoke({ messages: [new HumanMessage('report')] })).messages;
  },
  'createAgent without a middleware': async (script: ReturnType<typeof model>) => {
    const agent = createAgent({ model: script, tools: loaded.tools, systemPrompt: loaded.failuresAsText() });
    return (await agent.invoke({ messages: [new HumanMessage('report')] })).messages;
  },
  'a StateGraph': async (script: ReturnType<typeof model>) => {
    const system = new SystemMessage(`You are the reporting bot. ${loaded.failuresAsText()}`);
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await script.invoke([system, ...messages])] }))
      .addNode('tools', new ToolNode(loaded.tools))
      .addEdge(START, 'model')
      .addConditionalEdges('model', toolsCondition, ['tools', END])
      .addEdge('tools', 'model')
      .compile();
    return (await graph.invoke({ messages: [new HumanMessage('report')] })).messages;
  },
};

function answersIn(messages: readonly BaseMessage[]): ToolMessage[] {
  return messages.filter((message) => ToolMessage.isInstance(message));
}

describe.each(Object.entries(AGENTS))('an agent of %s', (_, run) => {
  it('that is refused one of three servers from the start uses the others, and says whom to ask', async () => {
    loaded = await loadTools(bot, ['issues', 'documents', 'database']);

    const messages = await run(model());

    expect(answersIn(messages).map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'success'));
    expect(messages.at(-1)?.text).toMatch(/finished.*database.*the identity provider's administrator/u);
  });

  it('that is refused one of its servers in the middle uses the other, and says whom to ask', async () => {
    loaded = await loadTools(bot, ['issues', 'documents']);
    const refuse = () => {
      sandbox.policy.pauseServer('issues');
      expect(sandbox.authorizationServers.main.revokeTokens({ server: 'issues' })).toBe(1);
    };

    const messages = await run(model(refuse));

    const answers = answersIn(messages);
    expect(answers.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'issues__list_issues success',
      'documents__list_documents success',
      'issues__list_issues error',
      'documents__list_documents success',
      'documents__list_documents success',
    ]);
    expect(refusalOf(answers[2])?.error).toMatchObject({ server: 'issues', leg: 'exchange', contact: 'idp-admin' });
    expect(messages.at(-1)?.text).toMatch(/finished.*issues.*the identity provider's administrator/u);
  });
});

describe('getTools', () => {
  it('returns the tools of all servers, or of those that are named', async () => {
    loaded = await loadTools(bot, ['issues', 'documents', 'database']);
    const { issues } = sandbox.servers;
    const ofIssues = loaded.tools.filter(({ name }) => name.startsWith('issues__'));

    expect(await loaded.getTools()).toEqual(loaded.tools);
    expect(await loaded.getTools('issues')).toEqual(ofIssues);
    expect(await loaded.getTools(['issues'])).toEqual(ofIssues);
    expect(await loaded.getTools(new URL(issues.url))).toEqual(ofIssues);
    expect(await loaded.getTools('documents', 'issues')).toHaveLength(loaded.tools.length);
    expect(await loaded.getTools('database')).toEqual([]);
    await expect(loaded.getTools('nowhere')).rejects.toMatchObject({ code: 'unknown_server' });
  });
});
