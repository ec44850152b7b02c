/**
 * A server that is down when the tools are loaded, and one that refuses the bot. The model is told which tools are missing and whom to
 * ask. The tools of the first server join when it is up. Run it with `npx tsx examples/langchain-late-server.ts`.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FetchLike, ServicePrincipal } from '@credence/core';
import { loadTools } from '@credence/langchain';
import { startSandbox } from '@credence/sandbox';
import { AIMessage, HumanMessage } from '@langchain/core/messages';
import { fakeModel } from '@langchain/core/testing';
import { createAgent } from 'langchain';

const enterprise = await startSandbox();
const documents = new URL(enterprise.servers.documents.url);
let isDown = true;
/** Cannot reach the server "documents" while that is down. */
const network: FetchLike = async (input, init) => {
  const { origin } = new URL(input instanceof Request ? input.url : input);
  if (isDown && origin === documents.origin) throw new TypeError('fetch failed');
  return fetch(input, init);
};
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env, { fetch: network });
const model = fakeModel()
  .respond(new AIMessage('I cannot search the handbook at present.'))
  .respondWithTools([{ name: 'documents__search_documents', args: { text: 'weekly report' } }])
  .respond(new AIMessage('The weekly report goes out on Friday at noon.'));

// #region tools
const tools = await loadTools(bot, ['issues', 'documents', 'database'], {
  deadlineMs: 10_000,
  onChanged({ server, joined, left }) {
    console.log(`${server}: ${joined.length} tools joined, ${left.length} left`);
  },
});

/** Runs an agent with the tools that are there now. Its model knows which are missing, and who can help. */
async function ask(question: string) {
  const systemPrompt = `You are the reporting bot. ${tools.failuresAsText()}`;
  const agent = createAgent({ model, tools: tools.tools, systemPrompt });
  return agent.invoke({ messages: [new HumanMessage(question)] });
}
// #endregion

console.log(tools.failuresAsText());
const failures = tools.failures.map(({ server, error }) => [server, error.code, error.contact]);
const early = await ask('When does the weekly report go out?');

isDown = false; // somebody has started the server, which is tried again within seconds
while (tools.failures.some(({ server }) => server === 'documents')) await sleep(50);
const late = await ask('And now?');

await tools.close();
await bot.close();
await enterprise.close();

assert.deepEqual(failures, [
  ['documents', 'unreachable', 'server-owner'],
  ['database', 'access_denied', 'idp-admin'],
]);
const prompts = model.calls.map(({ messages }) => messages[0]?.text ?? '');
assert.match(prompts[0] ?? '', /"documents".*the owner of the server/u);
assert.match(prompts[0] ?? '', /"database".*the identity provider's administrator/u);
assert.doesNotMatch(prompts[1] ?? '', /"documents"/u);
assert.match(early.messages.at(-1)?.text ?? '', /cannot search/u);
assert.ok(
  late.messages.some((message) => message.name === 'documents__search_documents' && /noon/u.test(message.text)),
);
console.log('All checks passed.');
