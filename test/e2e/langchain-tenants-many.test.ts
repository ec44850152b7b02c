import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type PrincipalPool, principalPool } from '@credence/langchain';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { startTenantsWorld, type TenantsWorld } from '../support/tenants-world.ts';

const TENANTS = Array.from({ length: 50 }, (_, index) => `tenant-${index}`);
const SERVERS = ['issues', 'documents', 'database'];
const TOOLS = ['whose', 'note'];

let world: TenantsWorld;
let pool: PrincipalPool;
/** The requests of all principals, by their kind. */
const sent = new Map<string, number>();

/** One for all principals, as the global fetch is. */
const counting: typeof fetch = async (input, init) => {
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  const { method } = typeof init?.body === 'string' ? (JSON.parse(init.body) as { method: string }) : { method: '' };
  const kind = pathname.includes('/.well-known/') ? 'metadata' : method || `${init?.method ?? 'GET'} ${pathname}`;
  sent.set(kind, (sent.get(kind) ?? 0) + 1);
  return fetch(input, init);
};

beforeAll(async () => {
  world = await startTenantsWorld(TENANTS, SERVERS);
  pool = principalPool({
    create: (key) => world.create(key, { fetch: counting }),
    loadTools: { toolTimeoutMs: 30_000 },
  });
});
afterAll(async () => {
  await pool.close();
  await world.close();
});

const config = (principal: string) => ({ context: { principal } });
const originOf = (tool: DynamicStructuredTool) => tool.metadata?.['credence'] as { server: string; tool: string };

describe('50 principals of three servers that start together in one process', () => {
  let loaded: { tenant: string; tools: DynamicStructuredTool[] }[];

  it('load all tools, and send no request twice', async () => {
    loaded = await Promise.all(
      TENANTS.map(async (tenant) => {
        const { tools, failures } = await pool.toolsFor(config(tenant));
        expect(failures).toEqual([]);
        return { tenant, tools };
      }),
    );
    for (const { tools } of loaded) expect(tools).toHaveLength(SERVERS.length * TOOLS.length);
    const each = (count: number) => count * TENANTS.length;
    expect(Object.fromEntries(sent)).toEqual({
      // Of the IdP, the authorization server and each MCP server: once for the process. Their resources are configured.
      metadata: 2,
      // A token of its own, and an ID-JAG and an access token for each server.
      'POST /token': each(1 + 2 * SERVERS.length),
      initialize: each(SERVERS.length),
      'notifications/initialized': each(SERVERS.length),
      'GET /mcp': each(SERVERS.length),
      'tools/list': each(SERVERS.length),
    });
  }, 30_000);

  it('call their tools in a mixed order, each with its own token', async () => {
    const shared = await pool.tools(TENANTS[0] ?? '');
    const calls = loaded.flatMap(({ tenant, tools }) =>
      [...tools, ...shared].map((tool) => ({ tenant, tool, origin: originOf(tool) })),
    );
    sent.clear();
    world.forgetCalls();
    const results = await Promise.all(
      // 7 and 600, the number of calls, have no common divisor, so each call is made once.
      calls.map(async (_, index) => {
        const call = calls[(index * 7) % calls.length];
        const result: unknown = await call?.tool.invoke({ text: call.tenant }, config(call.tenant));
        return [call?.tenant, result] as const;
      }),
    );
    expect(results.filter(([tenant, result]) => tenant !== result)).toEqual([]);
    expect(world.calls.filter(({ tenant, args }) => args['text'] !== tenant)).toEqual([]);
    const received = world.calls.map(({ tenant, server, tool }) => `${tenant} ${server} ${tool}`).toSorted();
    expect(received).toEqual(calls.map(({ tenant, origin }) => `${tenant} ${origin.server} ${origin.tool}`).toSorted());
    // Tokens and connections are there already.
    expect(Object.fromEntries(sent)).toEqual({ 'tools/call': calls.length });
  });

  it('are all closed with the pool', async () => {
    expect(pool.size).toBe(TENANTS.length);
    await pool.close();
    expect(pool.size).toBe(0);
    const [first] = loaded;
    await expect(first?.tools[0]?.invoke({ text: '' }, config(first.tenant))).rejects.toThrow('closed');
  });
});
