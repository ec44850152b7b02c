/**
 * A person approves an additional scope of a LangChain agent. The run stops before the call has an effect, and its checkpoint waits in a
 * file. Another process resumes the run after the answer. Run it with `npx tsx examples/langchain-approval.ts`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServicePrincipal } from '@credence/core';
import { accessMiddleware, loadTools, stepUpAnswer, stepUpInterruptIn } from '@credence/langchain';
import { startSandbox } from '@credence/sandbox';
import { AIMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { Command } from '@langchain/langgraph';
import { createAgent } from 'langchain';
import { fileCheckpointer } from './support/file-checkpointer.ts';

/** The thread of the run, and the key of the principal for which it runs. */
const config = { configurable: { thread_id: 'report' }, context: { principal: 'acme/reporting-bot' } };

const [checkpoints] = process.argv.slice(2);
await (checkpoints === undefined ? startRun() : resumeRun(checkpoints));

/** The agent. Both processes create it in the same way. */
async function createBotAgent(file: string) {
  // #region agent
  const bot = ServicePrincipal.fromEnv();
  const loaded = await loadTools(bot, ['issues']);
  const agent = createAgent({
    model: scriptedModel(),
    tools: loaded.tools,
    middleware: [accessMiddleware({ tools: loaded, approveStepUp: 'interrupt' })],
    checkpointer: fileCheckpointer(file),
  });
  // #endregion
  const close = async () => {
    await loaded.close();
    await bot.close();
  };
  return { agent, close };
}

/** The first process: starts the run, which stops at the step-up. */
async function startRun(): Promise<void> {
  const enterprise = await startSandbox();
  Object.assign(process.env, enterprise.principals['reporting-bot'].env);
  const folder = await mkdtemp(join(tmpdir(), 'credence-'));
  const file = join(folder, 'checkpoints');
  const { agent, close } = await createBotAgent(file);

  // #region interrupt
  const stopped = await agent.invoke({ messages: [new HumanMessage('Open an issue for the weekly report.')] }, config);
  for (const { value } of interruptsOf(stopped)) {
    const question = stepUpInterruptIn(value);
    if (!question) continue;
    const { principal, server, scopes, call } = question;
    console.log(
      `${principal} asks: may ${call.name} add ${scopes.join(' ')} at "${server}"? ${JSON.stringify(call.args)}`,
    );
  }
  // #endregion
  const callsBefore = enterprise.servers.issues.requests.toolCalls;
  await close();

  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', file], { stdio: 'inherit' });
  const [exitCode] = (await once(child, 'exit')) as [number];
  const callsAfter = enterprise.servers.issues.requests.toolCalls;
  await rm(folder, { recursive: true });
  await enterprise.close();

  assert.equal(exitCode, 0, 'the second process has resumed the run');
  assert.equal(callsBefore, 0, 'no tool ran before the approval');
  assert.equal(callsAfter, 1, 'the approved call was made once');
  console.log('All checks passed.');
}

/** The second process: knows only the file with the checkpoints. */
async function resumeRun(file: string): Promise<void> {
  const { agent, close } = await createBotAgent(file);

  // #region resume
  const { tasks } = await agent.graph.getState(config);
  const [waiting] = tasks.flatMap(({ interrupts }) => interrupts);
  const answer = stepUpAnswer(waiting?.value, true); // what the person decided
  const { messages } = await agent.invoke(new Command({ resume: answer }), config);
  // #endregion

  const created = messages.find((message) => ToolMessage.isInstance(message));
  console.log(`another process resumes the run: ${created?.name} ${created?.status}, ${messages.at(-1)?.text}`);
  await close();
  assert.equal(created?.status, 'success', 'the call was made after the approval');
}

function interruptsOf(result: object): readonly { value?: unknown }[] {
  return '__interrupt__' in result ? (result.__interrupt__ as { value?: unknown }[]) : [];
}

/** A scripted model, which opens one issue. */
function scriptedModel() {
  const call = {
    type: 'tool_call',
    id: 'call-1',
    name: 'issues__create_issue',
    args: { title: 'Weekly report' },
  } as const;
  return process.argv[2] === undefined
    ? fakeModel().respond(new AIMessage({ content: '', tool_calls: [call] }))
    : fakeModel().respond(new AIMessage('I have opened the issue.'));
}
