import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connectMcp, mcpTransport, safeSchemaValidator, type UnusableSchemaReport } from '@credence/sdk-adapter';
import { connectMcp as connectV2 } from '@credence/sdk-adapter/v2';
import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { HOSTILE_SCHEMAS } from './support/hostile-schemas.ts';
import { type ScriptedTool, startToolWorld, type ToolWorld } from './support/tool-server.ts';

// a child process that starts servers can take long on a busy machine
jest.setTimeout(120_000);

const PROGRAM = fileURLToPath(new URL('support/hostile-schemas-process.ts', import.meta.url));

interface Outcome {
  readonly name: string;
  readonly listed: boolean;
  readonly outcome: string;
}

interface Report {
  readonly outcomes: readonly Outcome[];
  readonly warnings: readonly string[];
}

/** Lists and calls all hostile tools in a process of its own, which is ended after 100 s. */
async function report(client: string, flags: readonly string[]): Promise<Report> {
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--import', 'tsx', PROGRAM, client], {
    timeout: 100_000,
    killSignal: 'SIGKILL',
    maxBuffer: 10_000_000,
  });
  const lines: unknown[] = stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  const { warnings } = lines.pop() as Pick<Report, 'warnings'>;
  return { outcomes: lines as Outcome[], warnings };
}

const PROCESSES: readonly [what: string, client: string, flags: readonly string[]][] = [
  ['SDK v1', 'v1', []],
  ['SDK v2', 'v2', []],
  ['loadTools and SDK v1', 'langchain-v1', []],
  ['loadTools and SDK v2', 'langchain-v2', []],
  ['SDK v1, without code generation', 'v1', ['--disallow-code-generation-from-strings']],
  ['SDK v2, without code generation', 'v2', ['--disallow-code-generation-from-strings']],
];

describe.each(PROCESSES)('output schemas of a hostile server, with %s', (_what, client, flags) => {
  let outcomes: readonly Outcome[];
  let warnings: readonly string[];

  beforeAll(async () => {
    ({ outcomes, warnings } = await report(client, flags));
  });

  it.each(HOSTILE_SCHEMAS.map(({ name, outcome }) => [name, outcome] as const))(
    'cannot stall the process or hide another tool: %s is %s',
    (name, outcome) => {
      const found = outcomes.find((one) => one.name === name);
      expect(found).toMatchObject({ listed: true });
      expect(found?.outcome).toMatch(outcome === 'invalid' ? /does not match the tool's output schema/u : /^valid$/u);
      const warned = warnings.filter((text) => text.includes(`The tool "${name}" of server "tools"`));
      expect(warned).toHaveLength(outcome === 'unused' ? 1 : 0);
    },
  );

  it('cannot make the whole list unreadable by an entry that is not a tool', () => {
    expect(outcomes.map(({ name }) => name)).toEqual(HOSTILE_SCHEMAS.map(({ name }) => name));
    expect(warnings.filter((text) => text.includes('is left out'))).toHaveLength(2);
  });
});

describe('a warning about a tool', () => {
  let world: ToolWorld;

  afterEach(async () => world.close());

  async function start(tools: readonly ScriptedTool[]): Promise<void> {
    world = await startToolWorld(tools);
  }

  function warnings(): string[] {
    return world.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  }

  const dangling = { type: 'object', $ref: '#/$defs/missing' };
  const tool = (name: string, outputSchema: object) => ({
    tool: { name, inputSchema: { type: 'object' }, outputSchema },
  });

  it.each([
    ['v1', connectMcp],
    ['v2', connectV2],
  ])('is emitted once although the tools are listed again: %s', async (_sdk, connect) => {
    await start([tool('bad', dangling)]);
    for (let times = 0; times < 2; times += 1) {
      const client = await connect(world.bot, 'tools');
      await client.listTools();
      await client.listTools();
      await client.close();
    }
    expect(warnings()).toHaveLength(1);
  });

  it.each([
    ['v1', connectMcp],
    ['v2', connectV2],
  ])('says that a result was too large, and not that the definition is wrong: %s', async (_sdk, connect) => {
    const content = { v: Array.from({ length: 30_000 }, () => 1) };
    const outputSchema = { type: 'object', properties: { v: { items: { type: 'number' } } } };
    await start([{ ...tool('rows', outputSchema), result: { content: [], structuredContent: content } }]);
    const client = await connect(world.bot, 'tools', { schemaLimits: { work: 10_000 } });
    await client.listTools();
    expect(await client.callTool({ name: 'rows' })).toMatchObject({ structuredContent: content });
    await client.close();
    const [warning, ...others] = world.events.filter(({ type }) => type === 'warning');
    expect(others).toEqual([]);
    expect(warning).toMatchObject({
      message: expect.stringMatching(/^The tool "rows" of server "tools" returned a result that is too large/u),
      remedy: expect.stringMatching(/^The next result is validated again\./u),
    });
  });

  it.each([
    ['v1', connectMcp],
    ['v2', connectV2],
  ])('names once the tools whose schemas are too much to read together: %s', async (_sdk, connect) => {
    const properties = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`p${index}`, { minimum: 0 }]));
    await start(Array.from({ length: 60 }, (_, index) => tool(`tool${index}`, { type: 'object', properties })));
    const client = await connect(world.bot, 'tools');
    const { tools } = await client.listTools();
    await client.close();
    const validated = tools.filter(({ outputSchema }) => outputSchema !== undefined).length;
    expect([tools.length, validated > 0, validated < 60]).toEqual([60, true, true]);
    expect(warnings()).toEqual([
      expect.stringMatching(
        `^The tool "tool${validated}" and ${59 - validated} more of server "tools" have output schemas`,
      ),
    ]);
  });

  it('quotes the name of the tool without its control characters, and cut', async () => {
    await start([tool(`bad"\n2026 ERROR${'x'.repeat(10_000)}`, dangling)]);
    const client = await connectMcp(world.bot, 'tools');
    await client.listTools();
    await client.close();
    const [warning = ''] = warnings();
    expect(warning.length).toBeLessThan(400);
    expect(warning).not.toContain('\n');
  });

  it('is limited: 1,000 bad tools emit 51 warnings', async () => {
    await start(Array.from({ length: 1_000 }, (_, index) => tool(`bad${index}`, dangling)));
    const client = await connectMcp(world.bot, 'tools');
    expect((await client.listTools()).tools).toHaveLength(1_000);
    await client.close();
    expect(warnings()).toHaveLength(51);
    expect(warnings().at(-1)).toContain('950 other tools');
  });

  it('does not change the result of a tool that has a member "tools"', async () => {
    const result = { content: [], structuredContent: {}, tools: ['hammer'] };
    await start([{ ...tool('kit', { type: 'object' }), result }]);
    const client = await connectMcp(world.bot, 'tools');
    await client.listTools();
    expect(await client.callTool({ name: 'kit' })).toEqual(result);
    await client.close();
  });
});

describe.each([
  ['SDK v1', connectMcp],
  ['SDK v2', connectV2],
])('one tool cannot make the list unreadable, with %s', (_sdk, connect) => {
  function nested(depth: number): unknown {
    return JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`);
  }

  it.each<[what: string, tool: object]>([
    ['a deep input schema', { inputSchema: { type: 'object', properties: { v: nested(3_000) } } }],
    ['a rather deep input schema', { inputSchema: { type: 'object', properties: { v: nested(300) } } }],
    ['deep metadata', { inputSchema: { type: 'object' }, _meta: nested(3_000) }],
    ['deep annotations', { inputSchema: { type: 'object' }, annotations: { v: nested(3_000) } }],
    ['a deep member that is not known', { inputSchema: { type: 'object' }, 'x-any': nested(3_000) }],
  ])('by %s: it is left out', async (_what, definition) => {
    const good = { tool: { name: 'good', inputSchema: { type: 'object' } } };
    const world = await startToolWorld([{ tool: { name: 'deep', ...definition } }, good]);
    const client = await connect(world.bot, 'tools');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['good']);
    await client.close();
    expect(world.events).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('The tool "deep" of server "tools" is left out') }),
    );
    await world.close();
  });

  it.each<[what: string, members: object]>([
    ['content', { content: [] }],
    ['structuredContent', { structuredContent: {} }],
    ['both', { content: [], structuredContent: {}, isError: false }],
  ])('also if the list has members of the result of a tool: %s', async (_what, members) => {
    const bad = { tool: { name: 'bad', inputSchema: { type: 'object' }, outputSchema: { type: 'string' } } };
    const good = { tool: { name: 'good', inputSchema: { type: 'object' } } };
    const world = await startToolWorld([bad, good], members);
    const client = await connect(world.bot, 'tools');
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['bad', 'good']);
    await client.close();
    await world.close();
  });

  it('and the result of a tool with a member "tools" only is not changed', async () => {
    const result = { content: [{ type: 'text', text: '' }], tools: ['hammer', { outputSchema: 1 }] };
    const world = await startToolWorld([{ tool: { name: 'kit', inputSchema: { type: 'object' } }, result }]);
    const client = await connect(world.bot, 'tools');
    expect(await client.callTool({ name: 'kit' })).toMatchObject(result);
    await client.close();
    await world.close();
  });
});

describe('safeSchemaValidator in a Client of the caller', () => {
  it('reports an unusable schema to the caller, and does not validate with it', async () => {
    const outputSchema = { type: 'object', properties: { v: { pattern: '^(?!a)' } } };
    const result = { content: [], structuredContent: { v: 'a' } };
    const world = await startToolWorld([
      { tool: { name: 'bad', inputSchema: { type: 'object' }, outputSchema }, result },
    ]);
    const reports: UnusableSchemaReport[] = [];
    const jsonSchemaValidator = safeSchemaValidator({ onUnusable: (report) => void reports.push(report) });
    const client = new Client({ name: 'own', version: '1' }, { jsonSchemaValidator });
    // The transport removes the schema, so the caller is told by the event. A schema from elsewhere is reported to the caller.
    await client.connect(mcpTransport(world.bot, 'tools'));
    expect((await client.listTools()).tools[0]).not.toHaveProperty('outputSchema');
    expect(await client.callTool({ name: 'bad' })).toEqual(result);
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'warning', server: 'tools' }));
    expect(jsonSchemaValidator.getValidator(outputSchema)({ v: 'a' })).toMatchObject({ valid: true });
    const reason: unknown = expect.stringContaining('lookaround');
    expect(reports).toEqual([{ reason, subject: 'schema', schema: outputSchema }]);
    await client.close();
    await world.close();
  });
});
