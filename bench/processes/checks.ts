import type { ServicePrincipal } from '@credence/core';
import { connectMcp as connectMcpV1 } from '@credence/sdk-adapter';
import { connectMcp as connectMcpV2 } from '@credence/sdk-adapter/v2';
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CLIENT_INFO } from '../peers/contender.ts';
import { principal } from '../peers/credence.ts';
import { median, percentile } from '../report/stats.ts';
import type { Addresses } from '../world/state.ts';
import { answer } from './rpc.ts';

/** The CPU time of one call in microseconds: by Credence, and by the same client without any check. */
export interface CallCost {
  readonly checked: number;
  readonly unchecked: number;
}

export interface ChecksCost {
  readonly fetch: CallCost;
  readonly v1: CallCost;
  readonly v2: CallCost;
}

/** The time of one call without any check, in milliseconds. */
export type CallTimes = Readonly<Record<keyof ChecksCost, number>>;

type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;
type Call = () => Promise<unknown>;

const CALLS = 20;
const BATCHES = 80;
/** The fast batches are compared. Other programs on the machine make a batch slower, and never faster. */
const FAST = 0.1;
const TOOL = { name: 'report', arguments: {} };
const POST: RequestInit = {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: TOOL }),
};

/** Adds the principal's access token, and nothing else. */
function uncheckedFetch(bot: ServicePrincipal): Fetch {
  return async (url, init) => {
    const headers = new Headers(init?.headers);
    headers.set('authorization', `Bearer ${(await bot.token('bench')).value}`);
    return fetch(url, { ...init, headers });
  };
}

/** The CPU time of a call, in microseconds. */
async function cpuOf(call: Call): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < CALLS; n += 1) await call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / CALLS;
}

/** Batches of both alternate, and every second pair begins with the other one. */
async function compare({ checked, unchecked }: Pair): Promise<CallCost> {
  const cpu = { checked: [] as number[], unchecked: [] as number[] };
  for (let batch = -10; batch < BATCHES; batch += 1) {
    const isEven = batch % 2 === 0;
    const first = await cpuOf(isEven ? checked : unchecked);
    const second = await cpuOf(isEven ? unchecked : checked);
    if (batch < 0) continue;
    cpu.checked.push(isEven ? first : second);
    cpu.unchecked.push(isEven ? second : first);
  }
  return { checked: percentile(cpu.checked, FAST), unchecked: percentile(cpu.unchecked, FAST) };
}

async function millisecondsOf({ unchecked }: Pair): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < CALLS; n += 1) {
    const startedMs = performance.now();
    await unchecked();
    times.push(performance.now() - startedMs);
  }
  return median(times);
}

/** The same call with and without the checks. */
interface Pair {
  readonly checked: Call;
  readonly unchecked: Call;
}

async function withFetch<T>(bot: ServicePrincipal, use: (pair: Pair) => Promise<T>): Promise<T> {
  const { url } = bot.server('bench');
  const call = (send: Fetch) => async () => (await send(url, POST)).json();
  return use({ checked: call(bot.fetchFor('bench')), unchecked: call(uncheckedFetch(bot)) });
}

async function withV1<T>(bot: ServicePrincipal, use: (pair: Pair) => Promise<T>): Promise<T> {
  const checked = await connectMcpV1(bot, 'bench');
  const unchecked = new ClientV1(CLIENT_INFO);
  await unchecked.connect(new TransportV1(bot.server('bench').url, { fetch: uncheckedFetch(bot) }));
  return withClients({ checked, unchecked }, use);
}

async function withV2<T>(bot: ServicePrincipal, use: (pair: Pair) => Promise<T>): Promise<T> {
  const checked = await connectMcpV2(bot, 'bench', { versionNegotiation: { mode: 'legacy' } });
  const unchecked = new ClientV2(CLIENT_INFO);
  await unchecked.connect(new TransportV2(bot.server('bench').url, { fetch: uncheckedFetch(bot) }));
  return withClients({ checked, unchecked }, use);
}

/** The methods of a client of either SDK that are measured. The tools are listed first, so that the client knows their schemas. */
interface ToolClient {
  listTools(): Promise<unknown>;
  callTool(tool: typeof TOOL): Promise<unknown>;
  close(): Promise<void>;
}

async function withClients<T>(
  { checked, unchecked }: { checked: ToolClient; unchecked: ToolClient },
  use: (pair: Pair) => Promise<T>,
): Promise<T> {
  for (const client of [checked, unchecked]) await client.listTools();
  const result = await use({
    checked: async () => checked.callTool(TOOL),
    unchecked: async () => unchecked.callTool(TOOL),
  });
  for (const client of [checked, unchecked]) await client.close();
  return result;
}

async function withEach<T>(world: Addresses, use: (pair: Pair) => Promise<T>): Promise<Record<keyof ChecksCost, T>> {
  const bot = principal(world);
  try {
    return { fetch: await withFetch(bot, use), v1: await withV1(bot, use), v2: await withV2(bot, use) };
  } finally {
    await bot.close();
  }
}

const methods = {
  async compare(world: Addresses): Promise<ChecksCost> {
    return withEach(world, compare);
  },
  async time(world: Addresses): Promise<CallTimes> {
    return withEach(world, millisecondsOf);
  },
};
export type ChecksMethods = typeof methods;

answer(methods);
