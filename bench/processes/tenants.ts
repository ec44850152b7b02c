import { readdir } from 'node:fs/promises';
import type { DynamicStructuredTool } from '@langchain/core/tools';
import { plain, pooled, type TenantTools } from '../peers/tenants.ts';
import type { TenantAddresses } from '../world/tenants.ts';
import { answer } from './rpc.ts';

/** Loads the tools of so many tenants at the same time. */
const AT_ONCE = 100;
/** The tenants whose tools are loaded before the measurement, so that the code is compiled and the modules are loaded. */
const WARM_UP = 10;

/** What the tools of all tenants take. */
export interface LoadingCost {
  /** The time until all of them are loaded, and the CPU time of that, in milliseconds. */
  readonly startMs: number;
  readonly cpuMs: number;
  /** How much the heap and the resident set have grown, in bytes. */
  readonly heap: number;
  readonly resident: number;
  readonly tools: number;
}

/** With tokens: plain clients. Without: Credence. */
interface Load {
  readonly addresses: TenantAddresses;
  readonly tenants: readonly string[];
  readonly tokens?: Readonly<Record<string, readonly string[]>> | undefined;
}

let contender: TenantTools | undefined;
let loaded: { readonly tenant: string; readonly tools: readonly DynamicStructuredTool[] }[] = [];
let before = { heap: 0, resident: 0 };
let watch: { stop: () => number } | undefined;

const contenderOf = ({ addresses, tenants, tokens }: Load) =>
  tokens ? plain(addresses, tokens) : pooled(addresses, tenants.length);

async function warmUp(load: Load): Promise<void> {
  const warm = contenderOf(load);
  for (const tenant of load.tenants.slice(0, WARM_UP)) await callOne(tenant, (await warm.load(tenant))[0]);
  await warm.close();
}

async function loadAll(load: Load): Promise<LoadingCost> {
  contender = contenderOf(load);
  const { load: toolsOf } = contender;
  before = await used();
  watch = descriptors();
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  loaded = await inTurns(load.tenants, async (tenant) => ({ tenant, tools: await toolsOf(tenant) }));
  const startMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(startedCpu);
  const after = await used();
  return {
    startMs,
    cpuMs: (user + system) / 1_000,
    heap: after.heap - before.heap,
    resident: after.resident - before.resident,
    tools: loaded.reduce((sum, { tools }) => sum + tools.length, 0),
  };
}

/** Calls one tool of each server of each tenant, in an order in which calls of all tenants are mixed. Returns how many got their own data. */
async function callAll(): Promise<number> {
  const calls = loaded.flatMap(({ tenant, tools }, index) =>
    tools.filter((_, at) => at % 5 === index % 5).map((tool) => ({ tenant, tool })),
  );
  const mixed = calls.map((_, index) => calls[(index * 7_919) % calls.length]).filter((call) => call !== undefined);
  const own = await inTurns(mixed, async ({ tenant, tool }) => callOne(tenant, tool));
  return own.filter(Boolean).length;
}

/** Returns whether the result names this tenant and no other. */
async function callOne(tenant: string, tool: DynamicStructuredTool | undefined): Promise<boolean> {
  const result: unknown = await tool?.invoke({ query: tenant }, { context: { principal: tenant } });
  const named = new Set(JSON.stringify(result).match(/tenant-\d+/gu));
  return named.has(tenant) && named.size === 1;
}

/** Closes everything. Returns the bytes that are left on the heap, and the highest number of open descriptors so far. */
async function close(): Promise<{ readonly heap: number; readonly descriptors: number }> {
  loaded = [];
  await contender?.close();
  contender = undefined;
  const most = watch?.stop() ?? 0;
  return { heap: (await used()).heap - before.heap, descriptors: most };
}

async function used(): Promise<{ heap: number; resident: number }> {
  if (!globalThis.gc) throw new Error('needs --expose-gc');
  for (let times = 0; times < 4; times += 1) {
    globalThis.gc();
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

async function inTurns<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const entries = items.entries();
  const worker = async () => {
    for (const [index, item] of entries) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

/** Counts the open descriptors again and again. 0 where the system has no /proc. */
function descriptors(): { stop: () => number } {
  let most = 0;
  const count = async () => {
    const { length } = await readdir('/proc/self/fd').catch(() => []);
    most = Math.max(most, length);
  };
  const timer = setInterval(() => void count(), 50);
  return {
    stop() {
      clearInterval(timer);
      return most;
    },
  };
}

const methods = { warmUp, loadAll, callAll, close };
export type TenantsClientMethods = typeof methods;

answer(methods);
