/**
 * A LangChain agent that runs as a service principal. It reads issues, searches the handbook and opens an issue. Opening an
 * issue needs an additional scope, which the middleware approves. Run it with `npx tsx examples/langchain-agent.ts`.
 *
 * By default a scripted model answers. `CREDENCE_MODEL` selects a real model, for example `anthropic:claude-sonnet-4-5`. It
 * needs the package of its provider (`npm install @langchain/anthropic`) and an API key.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { accessMiddleware, loadTools, refusalOf } from '@credence/langchain';
import { startSandbox } from '@credence/sandbox';
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent, initChatModel } from 'langchain';

const model = await createModel();
const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

// #region agent
const { tools, failures, close } = await loadTools(bot, ['issues', 'documents', 'database']);
for (const { server, error } of failures) console.log(`tools of "${server}" are missing: ${error.summary}`);

const stepUps: string[] = [];
const agent = createAgent({
  model,
  tools,
  middleware: [
    accessMiddleware({
      approveStepUp({ server, scopes, call }) {
        stepUps.push(...scopes);
        console.log(`approved: ${call.name} may add ${scopes.join(' ')} at "${server}"`);
        return true;
      },
    }),
  ],
});
// #endregion

const { messages } = await agent.invoke({
  messages: [
    new SystemMessage('You are the reporting bot of a maker of weather stations. Use your tools; do not ask back.'),
    new HumanMessage(
      'Which open issues have high priority, and what does the handbook say about the weekly report? ' +
        'Then open one issue with the title "Prepare the weekly report" whose text names them.',
    ),
  ],
});
for (const message of messages) console.log(inOneLine(message));

const issueCalls = enterprise.servers.issues.requests.toolCalls;
await close();
await bot.close();
await enterprise.close();

assert.deepEqual(
  failures.map(({ server, error }) => [server, error.code, error.contact]),
  [['database', 'access_denied', 'idp-admin']],
  'the database is not granted to this bot, and the error names whom to contact',
);
const answers = messages.filter((message) => ToolMessage.isInstance(message));
assert.deepEqual(answers.filter(refusalOf), [], 'no call was refused');
assert.ok(issueCalls >= 2, 'the agent called tools of the server "issues"');
assert.deepEqual(stepUps, ['issues:write'], 'one scope was approved, once, for the call that needed it');
assert.ok(
  answers.some(
    ({ name, status, text }) =>
      name === 'issues__create_issue' && status === 'success' && text.includes('reporting-bot'),
  ),
  'the issue names the bot as its author',
);
console.log('All checks passed.');

/** A scripted model that calls three tools and writes the results into an issue, or the model of CREDENCE_MODEL. */
async function createModel() {
  const modelName = process.env['CREDENCE_MODEL'];
  if (modelName) return realModel(modelName);
  const call = (name: string, args: Record<string, unknown>) => ({ type: 'tool_call', id: name, name, args }) as const;
  return fakeModel()
    .respond(
      new AIMessage({
        content: '',
        tool_calls: [
          call('issues__list_issues', { status: 'open' }),
          call('documents__search_documents', { text: 'weekly report' }),
        ],
      }),
    )
    .respond((seen) => {
      const urgent = [
        ...answerTo('issues__list_issues', seen).matchAll(/"id":\s*"(H-\d+)"[^}]*?"priority":\s*"high"/gu),
      ];
      const body = `Open, high priority: ${urgent.map(([, id]) => id).join(', ')}. It goes out on Friday at noon.`;
      return new AIMessage({
        content: '',
        tool_calls: [call('issues__create_issue', { title: 'Prepare the weekly report', body })],
      });
    })
    .respond((seen) => {
      const id = /"id":\s*"(H-\d+)"/u.exec(answerTo('issues__create_issue', seen))?.[1];
      return new AIMessage(`I have opened ${id} with the open issues of high priority.`);
    });
}

async function realModel(name: string) {
  try {
    return await initChatModel(name);
  } catch (error) {
    console.error(
      `CREDENCE_MODEL is "${name}", but this model cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
    );
    console.error(
      "Install its provider's package, for example: npm install @langchain/anthropic; and set its API key.",
    );
    process.exit(1);
  }
}

function answerTo(name: string, seen: readonly BaseMessage[]): string {
  return seen.findLast((message) => ToolMessage.isInstance(message) && message.name === name)?.text ?? '';
}

function inOneLine(message: BaseMessage): string {
  const calls = AIMessage.isInstance(message) ? (message.tool_calls ?? []) : [];
  const text = calls.map(({ name, args }) => `calls ${name}(${JSON.stringify(args)})`).join(', ') || message.text;
  const who = ToolMessage.isInstance(message) ? (message.name ?? 'tool') : message.type;
  return `${who}: ${text.replaceAll(/\s+/gu, ' ').slice(0, 160)}`;
}
