import type { ContenderName } from '../peers/all.ts';
import type { ClientMethods } from '../processes/client.ts';
import { start } from '../processes/rpc.ts';
import { atMost, ratioOf, type Row, type Values } from '../report/row.ts';
import { percentile } from '../report/stats.ts';
import { authRequests } from '../world/state.ts';
import { startWorld, type World } from '../world/world.ts';
import type { Measure } from './measure.ts';

/** Rounds of the minimum and of Credence with reusable ID-JAGs. Everything else is measured in the first round only. */
const ROUNDS = 2;
const FOR_MS = 9_000;
const EVERY_MS = 20;
const TOKEN_LIFETIME_MS = 2_000;

/** One contender under SDK v1 and under SDK v2. Both are measured at the same time, each with its own world. */
type Pair = readonly [ContenderName, ContenderName];
const MINIMUM: Pair = ['minimum-v1', 'minimum-v2'];
const CREDENCE: Pair = ['credence-v1', 'credence-v2'];
const PEERS: Pair = ['peer-v1', 'peer-v2'];
const MINIMUM_ONCE: Pair = ['minimum-once-v1', 'minimum-once-v2'];

interface Outcome {
  readonly unauthorized: number;
  readonly failed: number;
  readonly requests: number;
  readonly latenciesMs: readonly number[];
}
type Outcomes = readonly [Outcome, Outcome];

/**
 * (c) Measures a call every 20 ms for 9 seconds with access tokens that live 2 seconds: once with an authorization server
 * that accepts an ID-JAG again, once with one that accepts each ID-JAG once.
 */
export const expiries: Measure = async ({ rounds = ROUNDS, log }) => {
  const worlds = [await startWorld(), await startWorld()] as const;
  const run = (pair: Pair, idJagsOnce: boolean, round: number): Promise<Outcomes> => {
    const times = idJagsOnce ? 'single-use ID-JAGs' : 'reusable ID-JAGs';
    log(`(c) ${pair.join(' and ')}, ${times}, round ${round + 1} of ${rounds}`);
    return Promise.all([once(worlds[0], pair[0], idJagsOnce), once(worlds[1], pair[1], idJagsOnce)]);
  };
  try {
    const reusable = { minimum: [] as Outcomes[], credence: [] as Outcomes[], peers: [] as Outcomes[] };
    const singleUse = { minimum: [] as Outcomes[], credence: [] as Outcomes[], peers: [] as Outcomes[] };
    for (let round = 0; round < rounds; round += 1) {
      reusable.minimum.push(await run(MINIMUM, false, round));
      reusable.credence.push(await run(CREDENCE, false, round));
      if (round > 0) continue;
      // The peers request a new ID-JAG for each token, so single use does not change their result. One round is enough:
      // their figures are far from the others.
      reusable.peers.push(await run(PEERS, false, round));
      singleUse.minimum.push(await run(MINIMUM_ONCE, true, round));
      singleUse.credence.push(await run(CREDENCE, true, round));
    }
    return [
      ...rows('a call every 20 ms for 9 s, 2 s tokens', reusable, 7),
      // seven renewals with an exchange and a redemption each, and one refused redemption that shows the single use
      ...rows('the same, single-use ID-JAGs', singleUse, 15),
    ];
  } finally {
    await Promise.all(worlds.map((world) => world.stop()));
  }
};

async function once(world: World, contender: ContenderName, idJagsOnce: boolean): Promise<Outcome> {
  await world.reset({ latencyMs: 20, tokenLifetimeMs: TOKEN_LIFETIME_MS, idJagsOnce });
  const client = start<ClientMethods>(new URL('../processes/client.ts', import.meta.url));
  try {
    await client.call('connect', { contender, world: world.addresses });
    // warm-up: code, connections, and the first renewal
    await client.call('steady', { everyMs: EVERY_MS, forMs: TOKEN_LIFETIME_MS });
    await world.resetCounts();
    const { latenciesMs, failed } = await client.call('steady', { everyMs: EVERY_MS, forMs: FOR_MS });
    const counts = await world.counts();
    await client.call('close');
    return { latenciesMs, failed, unauthorized: counts.unauthorized, requests: authRequests(counts) };
  } finally {
    await client.stop();
  }
}

interface Measured {
  readonly minimum: readonly Outcomes[];
  readonly credence: readonly Outcomes[];
  readonly peers: readonly Outcomes[];
}

function rows(what: string, { minimum, credence, peers }: Measured, mostRequests: number): readonly Row[] {
  const row = (label: string, unit: string, summary: (outcomes: readonly Outcome[]) => number) => {
    const both = (outcomes: readonly Outcomes[]): Values => [
      summary(outcomes.map(([v1]) => v1)),
      summary(outcomes.map(([, v2]) => v2)),
    ];
    const [peerV1, peerV2] = peers.length > 0 ? both(peers) : [];
    return { id: 'c', what: label, unit, peerV2, peerV1, baseline: both(minimum), credence: both(credence) };
  };
  const worst = (key: 'unauthorized' | 'failed' | 'requests') => (outcomes: readonly Outcome[]) =>
    Math.max(...outcomes.map((outcome) => outcome[key]));
  const quantile = (part: number) => (outcomes: readonly Outcome[]) =>
    percentile(
      outcomes.flatMap(({ latenciesMs }) => latenciesMs),
      part,
    );
  const unauthorized = row(`${what}: 401s`, '', worst('unauthorized'));
  const failed = row('... failed calls', '', worst('failed'));
  const requests = row('... auth requests', '', worst('requests'));
  const p50 = row('... p50', 'ms', quantile(0.5));
  const p99 = row('... p99', 'ms', quantile(0.99));
  const slow = ratioOf(p99.credence, p99.baseline);
  return [
    { ...unauthorized, target: atMost(unauthorized.credence, 0) },
    { ...failed, target: atMost(failed.credence, 0) },
    { ...requests, target: atMost(requests.credence, mostRequests) },
    { ...p50, ratio: ratioOf(p50.credence, p50.baseline) },
    { ...p99, ratio: slow, target: atMost(slow, 1.3, ' x') },
  ];
}
