import { type Child, start } from '../processes/rpc.ts';
import type { LoadingCost, TenantsClientMethods } from '../processes/tenants.ts';
import { atMost, below, ratioOf, type Row } from '../report/row.ts';
import type { TenantAddresses, TenantCounts, TenantsMethods } from '../world/tenants.ts';
import type { Measure } from './measure.ts';

const TENANTS = 1_000;
/** With a stream for each server: their sockets are as many descriptors in each of the two processes. */
const TENANTS_WITH_STREAMS = 200;
const SERVERS = 3;

interface Outcome extends LoadingCost {
  readonly tenants: number;
  readonly loading: TenantCounts;
  readonly calling: TenantCounts;
  readonly ownResults: number;
  readonly closed: { readonly heap: number; readonly descriptors: number };
}

/**
 * (i) Measures a thousand principals with the tools of three servers in one process, compared with plain clients of SDK v1 with the tools
 * of mcp-adapters. One round: it takes a minute.
 */
export const tenants: Measure = async ({ log }) => {
  const world = start<TenantsMethods>(new URL('../world/tenants.ts', import.meta.url));
  try {
    const addresses = await world.call('open');
    log(`(i) ${TENANTS} tenants with plain clients`);
    const plain = await once(world, addresses, { tenants: TENANTS, isPlain: true });
    log(`(i) ${TENANTS} tenants with principalPool`);
    const pool = await once(world, addresses, { tenants: TENANTS, isPlain: false });
    await world.call('keepStreams', true);
    log(`(i) ${TENANTS_WITH_STREAMS} tenants whose servers keep a stream open`);
    const plainStreams = await once(world, addresses, { tenants: TENANTS_WITH_STREAMS, isPlain: true });
    const poolStreams = await once(world, addresses, { tenants: TENANTS_WITH_STREAMS, isPlain: false });
    return [...rows(plain, pool), heapRow('... heap each, a stream from each server', plainStreams, poolStreams)];
  } finally {
    await world.stop();
  }
};

async function once(
  world: Child<TenantsMethods>,
  addresses: TenantAddresses,
  { tenants: count, isPlain }: { readonly tenants: number; readonly isPlain: boolean },
): Promise<Outcome> {
  const client = start<TenantsClientMethods>(new URL('../processes/tenants.ts', import.meta.url), ['--expose-gc']);
  try {
    const names = Array.from({ length: count }, (_, index) => `tenant-${index}`);
    const urls = Object.values(addresses.servers);
    const tokens = isPlain ? await world.call('issue', names, urls) : undefined;
    const load = { addresses, tenants: names, tokens };
    await client.call('warmUp', load);
    await world.call('takeCounts');
    const cost = await client.call('loadAll', load);
    const loading = await world.call('takeCounts');
    const ownResults = await client.call('callAll');
    const calling = await world.call('takeCounts');
    const closed = await client.call('close');
    if (calling.calls + calling.crossed !== count * SERVERS) throw new Error('calls are missing');
    return { ...cost, tenants: count, loading, calling, ownResults, closed };
  } finally {
    await client.stop();
  }
}

function rows(plain: Outcome, pool: Outcome): readonly Row[] {
  const row = (what: string, unit: string, value: (outcome: Outcome) => number) => {
    const [baseline, credence] = [[value(plain)], [value(pool)]] as const;
    return { id: 'i', what, unit, baseline, credence } satisfies Row;
  };
  const requests = row('... requests for tokens each', '', ({ loading, tenants: count }) =>
    Math.ceil((loading.idpToken + loading.asToken) / count),
  );
  const metadata = row('... requests for metadata, of all', '', ({ loading }) => loading.metadata);
  const mcp = row('... requests to MCP servers each', '', ({ loading, tenants: count }) => loading.mcp / count);
  const crossed = row(
    '... calls with the token, or the result, of another one',
    '',
    ({ calling, ownResults, tenants: count }) => Math.max(calling.crossed, count * SERVERS - ownResults),
  );
  const descriptors = row('... descriptors at most', '', ({ closed }) => closed.descriptors);
  const resident = row(
    '... resident memory each',
    'KiB',
    ({ resident: bytes, tenants: count }) => bytes / count / 1024,
  );
  const startAll = row('... start of all', 's', ({ startMs }) => startMs / 1_000);
  const cpu = row('... CPU time each', 'ms', ({ cpuMs, tenants: count }) => cpuMs / count);
  const left = row('... heap each after the end', 'KiB', ({ closed, tenants: count }) => closed.heap / count / 1024);
  const heap = heapRow(`${TENANTS} principals x ${SERVERS} servers: heap each`, plain, pool);
  return [
    { ...heap, target: below(heap.credence, 400, ' KiB') },
    resident,
    { ...left, target: below(left.credence, 40, ' KiB') },
    { ...startAll, ratio: ratioOf(startAll.credence, startAll.baseline) },
    cpu,
    { ...requests, target: atMost(requests.credence, 1 + 2 * SERVERS) },
    { ...metadata, target: atMost(metadata.credence, 2 + SERVERS) },
    { ...mcp, target: atMost(mcp.credence, 4 * SERVERS) },
    ...(pool.closed.descriptors > 0 ? [descriptors] : []),
    { ...crossed, target: atMost(crossed.credence, 0) },
  ];
}

function heapRow(what: string, plain: Outcome, pool: Outcome) {
  const each = ({ heap, tenants: count }: Outcome) => [heap / count / 1024] as const;
  const [baseline, credence] = [each(plain), each(pool)];
  return { id: 'i', what, unit: 'KiB', baseline, credence, ratio: ratioOf(credence, baseline) } satisfies Row;
}
