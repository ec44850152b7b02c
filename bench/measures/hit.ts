import type { HitCost, HitMethods } from '../processes/hit.ts';
import { start } from '../processes/rpc.ts';
import { below, ratioOf, type Row, type Values } from '../report/row.ts';
import { median } from '../report/stats.ts';
import { startWorld } from '../world/world.ts';
import type { Measure } from './measure.ts';

const ROUNDS = 3;
/** The young generation is large enough that no garbage collection runs while allocations are counted. */
const NODE_OPTIONS = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/** (d) Measures `await token()` while the cached access token is fresh. */
export const hit: Measure = async ({ rounds = ROUNDS, log }) => {
  const world = await startWorld();
  const credence: HitCost[] = [];
  const minimum: HitCost[] = [];
  try {
    await world.reset({ latencyMs: 0, tokenLifetimeMs: 3_600_000, idJagsOnce: false });
    for (let round = 0; round < rounds; round += 1) {
      log(`(d) round ${round + 1} of ${rounds}`);
      const child = start<HitMethods>(new URL('../processes/hit.ts', import.meta.url), NODE_OPTIONS);
      try {
        const costs = await child.call('compare', world.addresses);
        credence.push(costs.credence);
        minimum.push(costs.minimum);
      } finally {
        await child.stop();
      }
    }
  } finally {
    await world.stop();
  }
  const row = (what: string, unit: string, key: keyof HitCost): Row & { readonly credence: Values } => {
    const ours: Values = [median(credence.map((cost) => cost[key]))];
    const baseline: Values = [median(minimum.map((cost) => cost[key]))];
    return { id: 'd', what, unit, baseline, credence: ours, ratio: ratioOf(ours, baseline) };
  };
  const time = row('`await token()`, token in memory', 'ns', 'nanoseconds');
  return [{ ...time, target: below(time.credence, 2_000, ' ns') }, row('... allocated', 'bytes', 'bytes')];
};
