/**
 * A bot in the AI SDK (`ai` with `@ai-sdk/mcp`). The model is scripted, so the example needs no network. Run it with
 * `npm ci --prefix examples/frameworks`, then `npx tsx examples/frameworks/ai-sdk.ts`.
 */
import assert from 'node:assert/strict';
import { createMCPClient } from '@ai-sdk/mcp';
import { ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { mcpServersConfig } from '@credence/sdk-adapter';
import { generateText, stepCountIs } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);

// #region connect
const servers = mcpServersConfig(bot);
const clients = await Promise.allSettled(
  Object.values(servers).map(async (transport) => createMCPClient({ transport })),
);
// #endregion

// The database is not granted to this bot. The agent works with the other two servers, and is told whom to ask.
// #region refused
const connected = clients.flatMap((client) => (client.status === 'fulfilled' ? [client.value] : []));
const missing = clients.flatMap((client) => (client.status === 'rejected' ? [String(client.reason)] : []));
const tools = Object.assign({}, ...(await Promise.all(connected.map(async (client) => client.tools()))));
const system = `You can use these servers' tools. Missing: ${missing.join('\n')}`;
// #endregion
console.log(missing.join('\n'));
assert.equal(connected.length, 2);
assert.match(system, /refuses the client "reporting-bot" access to server "database".*contact: idp-admin/u);

// A model that reads the issues and creates one, for which the server asks for another scope. The token is revoked before each of its calls.
const script = [
  { toolName: 'list_issues', input: {} },
  { toolName: 'create_issue', input: { title: 'Printer', body: 'Out of paper.' } },
];
const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};
const model = new MockLanguageModelV3({
  doGenerate: async () => {
    enterprise.authorizationServers.main.revokeTokens();
    const next = script.shift();
    return next
      ? {
          content: [
            {
              type: 'tool-call',
              toolCallId: next.toolName,
              toolName: next.toolName,
              input: JSON.stringify(next.input),
            },
          ],
          finishReason: { unified: 'tool-calls', raw: undefined },
          usage,
          warnings: [],
        }
      : {
          content: [{ type: 'text', text: 'The printer has an issue now.' }],
          finishReason: { unified: 'stop', raw: undefined },
          usage,
          warnings: [],
        };
  },
});
const answer = await generateText({ model, tools, system, prompt: 'Is the printer known?', stopWhen: stepCountIs(5) });
const results = answer.steps.flatMap(({ toolResults }) => toolResults.map(({ output }) => JSON.stringify(output)));
console.log(answer.text);
assert.match(results[0] ?? '', /H-101/u);
assert.match(results[1] ?? '', /"author\\*":\s?\\*"reporting-bot/u);

await Promise.all(connected.map(async (client) => client.close()));
await bot.close();
await enterprise.close();
