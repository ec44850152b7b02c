// A process of its own, so that the test can end it if a schema stalls it, and start it with flags of Node.js. Lists and calls every
// hostile tool, and prints a line of JSON for each and one for the warnings. Argument: the client.
import { loadTools, toolOrigin } from '@credence/langchain';
import { connectMcp as connectV1 } from '@credence/sdk-adapter';
import { connectMcp as connectV2 } from '@credence/sdk-adapter/v2';
import { HOSTILE_SCHEMAS } from './hostile-schemas.ts';
import { startToolWorld } from './tool-server.ts';

const world = await startToolWorld([
  ...HOSTILE_SCHEMAS.map(({ name, outputSchema, content }) => ({
    tool: { name, inputSchema: { type: 'object' }, outputSchema },
    result: { content: [], structuredContent: content },
  })),
  { tool: { name: 'input-schema-is-a-list', inputSchema: { type: 'array' } } },
  { tool: 'not an object' },
]);
interface Tools {
  readonly names: readonly string[];
  call(name: string): Promise<unknown>;
  close(): Promise<void>;
}

const OPEN: Readonly<Record<string, () => Promise<Tools>>> = {
  v1: async () => clientTools(await connectV1(world.bot, 'tools')),
  v2: async () => clientTools(await connectV2(world.bot, 'tools')),
  'langchain-v1': async () => langchainTools('v1'),
  'langchain-v2': async () => langchainTools('v2'),
};

async function clientTools(client: {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(params: { name: string }): Promise<unknown>;
  close(): Promise<void>;
}): Promise<Tools> {
  const { tools } = await client.listTools();
  const names = tools.map(({ name }) => name);
  return { names, call: async (name) => client.callTool({ name }), close: async () => client.close() };
}

async function langchainTools(sdk: 'v1' | 'v2'): Promise<Tools> {
  const { tools, close } = await loadTools(world.bot, ['tools'], { sdk });
  const byName = new Map(tools.map((tool) => [toolOrigin(tool)?.tool ?? '', tool]));
  return { names: [...byName.keys()], call: async (name) => byName.get(name)?.invoke({}), close };
}

const opened = await OPEN[process.argv[2] ?? '']?.();
if (!opened) throw new Error(`the argument is one of ${Object.keys(OPEN).join(', ')}`);
const listed = new Set(opened.names);
for (const { name } of HOSTILE_SCHEMAS) {
  const outcome = await opened.call(name).then(
    () => 'valid',
    (error: unknown) => String(error),
  );
  console.log(JSON.stringify({ name, listed: listed.has(name), outcome: outcome.slice(0, 200) }));
}
const warnings = world.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
console.log(JSON.stringify({ warnings }));
await opened.close();
await world.close();
