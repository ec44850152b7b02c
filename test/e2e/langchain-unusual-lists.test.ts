import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  callAsAgent,
  type LangchainWorld,
  listed,
  startLangchainWorld,
  toolNamed,
} from '../support/langchain-world.ts';
import { silence } from '../support/peer.ts';

let world: LangchainWorld;

beforeEach(async () => {
  world = await startLangchainWorld();
});
afterEach(async () => world.close());

const A = { type: 'object', properties: { a: { type: 'string' } } };
const B = { type: 'object', properties: { b: { type: 'string' } } };
const READABLE: Record<string, object> = {
  any_of: { inputSchema: { anyOf: [A, B] } },
  one_of: { inputSchema: { oneOf: [A] } },
  all_of: { inputSchema: { allOf: [A, B] } },
  reference: { inputSchema: { $ref: '#/$defs/A', $defs: { A } } },
  without_type: { inputSchema: { properties: { a: { type: 'string' } } } },
  type_null: { inputSchema: { type: null, properties: { a: { type: 'string' } } } },
  two_types: { inputSchema: { type: ['object', 'null'], properties: { a: { type: 'string' } } } },
  everything: { inputSchema: true },
  without_schema: { inputSchema: undefined },
  boolean_property: { inputSchema: { type: 'object', properties: { a: true, never: false } } },
  null_members: { description: null, title: null, annotations: null, inputSchema: { type: 'object', required: null } },
};
const UNREADABLE: Record<string, object> = {
  text: { inputSchema: 'x' },
  list: { inputSchema: { type: 'array' } },
  nothing: { inputSchema: false },
};

describe.each(['v1', 'v2'] as const)('with SDK %s', (sdk) => {
  it('loads tools whose schema has no type or whose members are null, and validates with the original schema', async () => {
    const tools = Object.entries(READABLE).map(([name, members]) => ({ ...listed(name), ...members }));
    const server = await world.serve({ 'tools/list': () => ({ result: { tools } }) });
    const loaded = await world.load({ s: server.url }, { sdk });
    expect(loaded.failures).toEqual([]);
    expect(loaded.tools.map(({ name }) => name)).toEqual(Object.keys(READABLE).map((name) => `s__${name}`));
    await expect(callAsAgent(toolNamed(loaded, 's__one_of'), { a: 7 })).rejects.toThrow(/exactly one schema of oneOf/u);
  });

  it('names the tools that cannot be read in failures, and loads the others', async () => {
    const tools = Object.entries(UNREADABLE).map(([name, members]) => ({ ...listed(name), ...members }));
    const server = await world.serve({ 'tools/list': () => ({ result: { tools: [...tools, listed('echo')] } }) });
    const loaded = await world.load({ s: server.url }, { sdk });
    expect(loaded.tools.map(({ name }) => name)).toEqual(['s__echo']);
    expect(loaded.failures).toMatchObject([{ server: 's', loaded: 1, error: { code: 'invalid_response' } }]);
    expect(loaded.failures[0]?.error.message).toBe(
      'Server "s" lists tools that cannot be read (3): "text", "list", "nothing". Of the first one its definition is not valid.',
    );
    expect(loaded.failuresAsText()).toContain('"s"');
  });
});

it('reload gives up an attempt that a server does not answer, and connects again', async () => {
  let hangs = true;
  const server = await world.serve({
    'tools/list': () => (hangs ? { http: silence() } : { result: { tools: [listed('echo')] } }),
  });
  const loaded = await world.load({ s: server.url }, { deadlineMs: 0, connectTimeoutMs: 60_000 });
  expect(loaded.tools).toEqual([]);
  while (server.received('tools/list').length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  hangs = false;
  await loaded.reload(['s']);
  expect(loaded.tools.map(({ name }) => name)).toEqual(['s__echo']);
});
