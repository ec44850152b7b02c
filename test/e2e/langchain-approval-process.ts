// A process of its own that resumes an interrupted run of an agent: it has no memory of the first process, only the checkpoint.
// Arguments: the file of the checkpointer, and a JSON list of runs with `thread`, `principal` and `answer`. Prints the tool messages of
// each run as JSON.
import { ServicePrincipal } from '@credence/core';
import { accessMiddleware, loadTools } from '@credence/langchain';
import { ToolMessage } from '@langchain/core/messages';
import { Command } from '@langchain/langgraph';
import { createAgent } from 'langchain';
import { scriptedModel } from '../support/agent-script.ts';
import { SqlCheckpointer } from '../support/sql-checkpointer.ts';

const [file = '', resumes = '[]'] = process.argv.slice(2);
const bot = ServicePrincipal.fromEnv();
const { tools, close } = await loadTools(bot, ['issues', 'documents']);
const checkpointer = await SqlCheckpointer.open(file);
const middleware = [accessMiddleware({ approveStepUp: 'interrupt' })];
const outcomes: unknown[] = [];
for (const { thread, principal, answer } of JSON.parse(resumes) as {
  thread: string;
  principal: string;
  answer: unknown;
}[]) {
  const agent = createAgent({ model: scriptedModel(), tools, middleware, checkpointer });
  const config = { configurable: { thread_id: thread }, context: { principal } };
  const { messages } = await agent.invoke(new Command({ resume: answer }), config);
  outcomes.push(messages.filter((each) => ToolMessage.isInstance(each)).map(({ text, status }) => ({ text, status })));
}
console.log(JSON.stringify(outcomes));
await close();
await bot.close();
