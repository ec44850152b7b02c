/**
 * What else goes through the connections of `loadTools`: resources, prompts, the progress of a call, and questions of a server to the
 * bot. Run it with `npx tsx examples/langchain-content.ts`.
 */
import assert from 'node:assert/strict';
import { ServicePrincipal } from '@credence/core';
import { loadTools } from '@credence/langchain';
import { startSandbox } from '@credence/sandbox';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';

/** An MCP server with a resource, a prompt, and a tool that asks before it deploys and reports its progress. */
function releaseServer() {
  const server = new McpServer({ name: 'releases', version: '1.0.0' });
  server.registerTool('deploy', { inputSchema: { version: z.string() } }, async ({ version }, call) => {
    const { action, content } = await server.server.elicitInput(
      {
        message: `Deploy ${version} to which stage?`,
        requestedSchema: {
          type: 'object',
          properties: { stage: { type: 'string', enum: ['test', 'production'] } },
          required: ['stage'],
        },
      },
      { relatedRequestId: call.requestId },
    );
    if (action !== 'accept') return { content: [{ type: 'text', text: 'not deployed' }] };
    const { progressToken = 0 } = call._meta ?? {};
    for (const progress of [1, 2, 3]) {
      const params = { progressToken, progress, total: 3, message: `step ${progress}` };
      await call.sendNotification({ method: 'notifications/progress', params });
    }
    return { content: [{ type: 'text', text: `deployed ${version} to ${String(content?.['stage'])}` }] };
  });
  server.registerResource('checklist', 'releases://checklist', { mimeType: 'text/markdown' }, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'text/markdown', text: '- tests pass' }],
  }));
  server.registerPrompt('announce', { argsSchema: { version: z.string() } }, ({ version }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Announce release ${version}.` } }],
  }));
  return server;
}

await using sandbox = await startSandbox({
  servers: { releases: { mcpServer: releaseServer, tools: { deploy: 'releases:deploy' } } },
  principals: { 'release-bot': {} },
  grants: { 'release-bot': { releases: ['releases:deploy'] } },
});
const bot = ServicePrincipal.fromEnv(sandbox.principals['release-bot'].env);
const steps: string[] = [];

// #region content
await using loaded = await loadTools(bot, ['releases'], {
  toolTimeoutMs: 30_000,
  resetTimeoutOnProgress: true, // a call that reports progress may take longer, ...
  maxTotalTimeoutMs: 300_000, // ... and at most five minutes
  onProgress({ message }, source) {
    if (source.type === 'tool') steps.push(`${source.server}/${source.name}: ${message ?? ''}`);
  },
  onElicitation({ server, message, requestedSchema }) {
    console.log(`"${server}" asks: ${message} ${JSON.stringify(requestedSchema['properties'])}`);
    return { action: 'accept', content: { stage: 'test' } };
  },
});

const { resources } = await loaded.resources(); // of all servers, with `failures` for those that refuse
const [checklist] = await loaded.readResource('releases', 'releases://checklist');
const { prompts } = await loaded.prompts('releases');
const messages = await loaded.prompt('releases', 'announce', { version: '1.2' }); // messages of LangChain
// #endregion

const [deploy] = loaded.tools;
const result: unknown = await deploy?.invoke({ version: '1.2' });
console.log(result, steps);

assert.deepEqual(
  resources.map(({ server, uri }) => [server, uri]),
  [['releases', 'releases://checklist']],
);
assert.equal(checklist?.text, '- tests pass');
assert.deepEqual(
  prompts.map(({ name }) => name),
  ['announce'],
);
assert.deepEqual(
  messages.map((message) => [message.getType(), message.text]),
  [['human', 'Announce release 1.2.']],
);
assert.equal(result, 'deployed 1.2 to test');
assert.equal(steps.at(-1), 'releases/deploy: step 3');
await bot.close();
