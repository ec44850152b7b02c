import type { ContenderName } from '../peers/all.ts';
import type { ClientMethods } from '../processes/client.ts';
import { type Child, start } from '../processes/rpc.ts';
import { atMost, ratioOf, type Row, type Values } from '../report/row.ts';
import { median, percentile } from '../report/stats.ts';
import { authRequests, metadataRequests } from '../world/state.ts';
import { startWorld, type World } from '../world/world.ts';
import type { Measure } from './measure.ts';

const ROUNDS = 5;
const CALLS = 100;
const NAMES = [
  'minimum-v1',
  'credence-v1',
  'minimum-v2',
  'credence-v2',
  'peer-v1',
  'peer-v2',
] as const satisfies readonly ContenderName[];

interface Outcome {
  readonly requests: number;
  readonly metadata: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
}

/** (b) Measures 100 simultaneous calls on an open connection whose access token has just been revoked. */
export const revoked: Measure = async ({ rounds = ROUNDS, log }) => {
  const world = await startWorld();
  const clients = new Map<ContenderName, Child<ClientMethods>>();
  try {
    const outcomes = new Map<ContenderName, Outcome[]>(NAMES.map((name) => [name, []]));
    for (const name of NAMES) {
      clients.set(name, start<ClientMethods>(new URL('../processes/client.ts', import.meta.url)));
    }
    // round -1 is the warm-up
    for (let round = -1; round < rounds; round += 1) {
      log(round < 0 ? '(b) warm-up' : `(b) round ${round + 1} of ${rounds}`);
      for (const [name, client] of clients) {
        const outcome = await once(world, name, client);
        if (round >= 0) outcomes.get(name)?.push(outcome);
      }
    }
    return rows((name, key) => (outcomes.get(name) ?? []).map((outcome) => outcome[key]));
  } finally {
    await Promise.all([...clients.values(), world].map((child) => child.stop()));
  }
};

async function once(world: World, contender: ContenderName, client: Child<ClientMethods>): Promise<Outcome> {
  await world.reset({ latencyMs: 20, tokenLifetimeMs: 300_000, idJagsOnce: false });
  await client.call('connect', { contender, world: world.addresses });
  // open the connections that the measured calls use
  await client.call('burst', CALLS);
  await client.call('burst', CALLS);
  await world.revoke();
  await world.resetCounts();
  const { latenciesMs, failed } = await client.call('burst', CALLS);
  const counts = await world.counts();
  await client.call('close');
  return {
    requests: authRequests(counts),
    metadata: metadataRequests(counts),
    failed,
    p50: percentile(latenciesMs, 0.5),
    p99: percentile(latenciesMs, 0.99),
  };
}

function rows(of: (name: ContenderName, key: keyof Outcome) => readonly number[]): readonly Row[] {
  const row = (what: string, unit: string, key: keyof Outcome, summary: (values: readonly number[]) => number) => {
    const value = (name: ContenderName) => summary(of(name, key));
    const baseline: Values = [value('minimum-v1'), value('minimum-v2')];
    const credence: Values = [value('credence-v1'), value('credence-v2')];
    return { id: 'b', what, unit, peerV2: value('peer-v2'), peerV1: value('peer-v1'), baseline, credence };
  };
  // a count is the maximum over all rounds, a time is the median over all rounds
  const worst = (values: readonly number[]) => Math.max(...values);
  const requests = row('100 calls at a revocation: auth requests', '', 'requests', worst);
  const metadata = row('... of them for metadata', '', 'metadata', worst);
  const failed = row('... failed calls', '', 'failed', worst);
  const p50 = row('... p50', 'ms', 'p50', median);
  const p99 = row('... p99', 'ms', 'p99', median);
  const slow = ratioOf(p99.credence, p99.baseline);
  return [
    { ...requests, target: atMost(requests.credence, 2) },
    { ...metadata, target: atMost(metadata.credence, 0) },
    { ...failed, target: atMost(failed.credence, 0) },
    { ...p50, ratio: ratioOf(p50.credence, p50.baseline) },
    { ...p99, ratio: slow, target: atMost(slow, 1.25, ' x') },
  ];
}
