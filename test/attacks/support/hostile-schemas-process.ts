// A process of its own, so that the test can end it if a schema stalls it, and start it with flags of Node.js. Lists and calls every
// hostile tool, and prints a line of JSON for each and one for the warnings. Argument: the SDK.
import { connectMcp as connectV1 } from '@credence/sdk-adapter';
import { connectMcp as connectV2 } from '@credence/sdk-adapter/v2';
import { HOSTILE_SCHEMAS } from './hostile-schemas.ts';
import { startToolWorld } from './tool-server.ts';

const world = await startToolWorld([
  ...HOSTILE_SCHEMAS.map(({ name, outputSchema, content }) => ({
    tool: { name, inputSchema: { type: 'object' }, outputSchema },
    result: { content: [], structuredContent: content },
  })),
  { tool: { name: 'no-input-schema' } },
  { tool: 'not an object' },
]);
const connection = process.argv[2] === 'v1' ? await connectV1(world.bot, 'tools') : await connectV2(world.bot, 'tools');
const listed = new Set((await connection.listTools()).tools.map(({ name }) => name));
for (const { name } of HOSTILE_SCHEMAS) {
  const outcome = await connection.callTool({ name }).then(
    () => 'valid',
    (error: unknown) => String(error),
  );
  console.log(JSON.stringify({ name, listed: listed.has(name), outcome: outcome.slice(0, 200) }));
}
const warnings = world.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
console.log(JSON.stringify({ warnings }));
await connection.close();
await world.close();
