import type { CallTimes, ChecksCost, ChecksMethods } from '../processes/checks.ts';
import { start } from '../processes/rpc.ts';
import { atMost, ratioOf, type Row, type Values } from '../report/row.ts';
import { median } from '../report/stats.ts';
import { startWorld } from '../world/world.ts';
import type { Measure } from './measure.ts';

const ROUNDS = 3;
const LIMIT = 1.03;

/**
 * (h) Measures what the checks against a hostile MCP server add to a call. The additional CPU time is measured without latency. It is
 * compared with the time of a call whose response takes as long as in the other measurements.
 */
export const checks: Measure = async ({ rounds = ROUNDS, log }) => {
  const world = await startWorld();
  const costs: ChecksCost[] = [];
  const times: CallTimes[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      log(`(h) round ${round + 1} of ${rounds}`);
      const child = start<ChecksMethods>(new URL('../processes/checks.ts', import.meta.url));
      try {
        await world.reset({ latencyMs: 0, tokenLifetimeMs: 3_600_000, idJagsOnce: false });
        costs.push(await child.call('compare', world.addresses));
        await world.reset({ latencyMs: 20, tokenLifetimeMs: 3_600_000, idJagsOnce: false });
        times.push(await child.call('time', world.addresses));
      } finally {
        await child.stop();
      }
    }
  } finally {
    await world.stop();
  }
  const time = (kind: keyof ChecksCost) => median(times.map((measured) => measured[kind]));
  const added = (kind: keyof ChecksCost) => median(costs.map(({ [kind]: cost }) => cost.checked - cost.unchecked));
  const rows = (what: string, values: (of: (kind: keyof ChecksCost) => number) => Values): Row[] => {
    const credence = values((kind) => time(kind) + added(kind) / 1_000);
    const baseline = values(time);
    const ratio = ratioOf(credence, baseline);
    return [
      { id: 'h', what, unit: 'ms', baseline, credence, ratio, target: atMost(ratio, LIMIT, ' x') },
      { id: 'h', what: '... additional CPU time', unit: 'us', credence: values(added) },
    ];
  };
  return [
    ...rows('a call by `fetchFor`, compared with `fetch`', (of) => [of('fetch')]),
    ...rows('a tool call by `connectMcp`, compared with a plain client', (of) => [of('v1'), of('v2')]),
  ];
};
