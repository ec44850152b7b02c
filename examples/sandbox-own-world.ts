/**
 * The sandbox with servers, principals and grants of your own: an MCP server with two tools, a bot that may call one of them, and
 * a group. The IdP refuses the scope of the other tool. Run it with `npx tsx examples/sandbox-own-world.ts`.
 */
import assert from 'node:assert/strict';
import { isCredenceError, ServicePrincipal } from '@credence/core';
import { sandboxTool, startSandbox } from '@credence/sandbox';
import { connectMcp } from '@credence/sdk-adapter';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';

/** The server under test: in your project, you import it. */
function weatherServer() {
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  const inputSchema = { city: z.string() };
  server.registerTool('forecast', { description: 'Tomorrow', inputSchema }, ({ city }) => ({
    content: [{ type: 'text', text: `${city}: sun` }],
  }));
  server.registerTool('set_alarm', { description: 'Warns of storms', inputSchema }, () => ({ content: [] }));
  return server;
}

// #region own-world
await using sandbox = await startSandbox({
  servers: {
    weather: { mcpServer: weatherServer, tools: { forecast: 'weather:read', set_alarm: 'weather:alarm' } },
    rota: {
      tools: [
        sandboxTool({
          name: 'who_is_on_call',
          scope: 'rota:read',
          description: 'Who is on call',
          run: (_args, { principal }) => `mira, says the rota to ${principal}`,
        }),
      ],
    },
  },
  principals: { 'storm-bot': {}, 'script-bot': { credential: 'secret' } },
  groups: { crew: ['storm-bot', 'script-bot'] },
  grants: { 'storm-bot': { weather: ['weather:read'] }, crew: { rota: ['rota:read'] } },
});
const bot = ServicePrincipal.fromEnv(sandbox.principals['storm-bot'].env);
// #endregion

const textOf = (result: unknown) =>
  z.object({ content: z.tuple([z.object({ text: z.string() })]) }).parse(result).content[0].text;

const weather = await connectMcp(bot, 'weather');
const forecast = textOf(await weather.callTool({ name: 'forecast', arguments: { city: 'Kiel' } }));
console.log(`forecast: ${forecast}`);
assert.equal(forecast, 'Kiel: sun');

const refused: unknown = await weather
  .callTool({ name: 'set_alarm', arguments: { city: 'Kiel' } })
  .catch((error: unknown) => error);
assert.ok(isCredenceError(refused));
console.log(`set_alarm: refused (${refused.code}): ${refused.message} ${refused.remedy}`);
assert.deepEqual([refused.code, refused.missingScopes], ['insufficient_scope', ['weather:alarm']]);

const script = ServicePrincipal.fromEnv(sandbox.principals['script-bot'].env);
const rota = await connectMcp(script, 'rota');
const onCall = textOf(await rota.callTool({ name: 'who_is_on_call', arguments: {} }));
console.log(`who_is_on_call: ${onCall}`);
assert.equal(onCall, 'mira, says the rota to script-bot');

const denied: unknown = await script.token('weather').catch((error: unknown) => error);
assert.ok(isCredenceError(denied));
console.log(`script-bot at weather: refused by the IdP (${denied.code})`);
assert.deepEqual([denied.code, denied.leg, denied.contact], ['access_denied', 'exchange', 'idp-admin']);

for (const connection of [weather, rota, bot, script]) await connection.close();
