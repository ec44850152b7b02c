/**
 * A bot in the OpenAI Agents SDK. The model is scripted, so the example needs no network. Run it with
 * `npm ci --prefix examples/frameworks`, then `npx tsx examples/frameworks/openai-agents.ts`.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { startSandbox } from '@credence/sandbox';
import { mcpServersConfig } from '@credence/sdk-adapter';
import {
  Agent,
  connectMcpServers,
  MCPServerStreamableHttp,
  type Model,
  run,
  setTracingDisabled,
  Usage,
} from '@openai/agents';

const enterprise = await startSandbox();
const bot = ServicePrincipal.fromEnv(enterprise.principals['reporting-bot'].env);
setTracingDisabled(true);

// #region connect
const servers = await connectMcpServers(
  Object.values(mcpServersConfig(bot)).map((options) => new MCPServerStreamableHttp(options)),
);
// #endregion

// The database is not granted to this bot. The agent works with the other two servers, and is told whom to ask.
// #region refused
const missing = [...servers.errors.values()].map(({ message }) => message).join('\n');
// #endregion
console.log(missing);
assert.equal(servers.active.length, 2);
assert.match(missing, /refuses the client "reporting-bot".*contact: idp-admin/u);

// A model that reads the issues and creates one, for which the server asks for another scope. The token is revoked before each of its calls.
const script = [
  { name: 'list_issues', arguments: '{}' },
  { name: 'create_issue', arguments: '{"title":"Printer","body":"Out of paper."}' },
];
const model: Model = {
  async getResponse() {
    enterprise.authorizationServers.main.revokeTokens();
    const next = script.shift();
    return {
      usage: new Usage(),
      output: [
        next
          ? { type: 'function_call', callId: next.name, ...next }
          : {
              type: 'message',
              role: 'assistant',
              status: 'completed',
              content: [{ type: 'output_text', text: 'The printer has an issue now.' }],
            },
      ],
    };
  },
  getStreamedResponse: () => {
    throw new Error('this model does not stream');
  },
};
const agent = new Agent({
  name: 'reporter',
  model,
  instructions: `Missing servers: ${missing}`,
  mcpServers: servers.active,
});
const result = await run(agent, 'Is the printer known?');
console.log(result.finalOutput);
const outputs = result.newItems
  .filter(({ type }) => type === 'tool_call_output_item')
  .map((item) => JSON.stringify(item));
assert.match(outputs[0] ?? '', /H-101/u);
assert.match(outputs[1] ?? '', /reporting-bot/u);

await servers.close();
await bot.close();
await enterprise.close();
