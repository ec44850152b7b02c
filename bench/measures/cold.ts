import type { ContenderName } from '../peers/all.ts';
import type { ClientMethods } from '../processes/client.ts';
import { start } from '../processes/rpc.ts';
import { atMost, type Row, type Values } from '../report/row.ts';
import { median } from '../report/stats.ts';
import { startWorld, type World } from '../world/world.ts';
import type { Measure } from './measure.ts';

const ROUNDS = 9;
const NAMES = [
  'minimum-v1',
  'credence-v1',
  'minimum-v2',
  'credence-v2',
  'credence-v2-auto',
  'peer-v1',
  'peer-v2',
] as const satisfies readonly ContenderName[];

/**
 * (a) Measures from before the first request to the answer of the first tool call. Each measurement runs in a new process
 * that has already loaded its modules.
 */
export const cold: Measure = async ({ rounds = ROUNDS, log }) => {
  const world = await startWorld();
  try {
    const measured = new Map<ContenderName, number[]>(NAMES.map((name) => [name, []]));
    // the first measurement warms up the peers; its result is dropped
    await once(world, 'minimum-v1');
    for (let round = 0; round < rounds; round += 1) {
      log(`(a) round ${round + 1} of ${rounds}`);
      for (const name of NAMES) measured.get(name)?.push(await once(world, name));
    }
    return rows((name) => measured.get(name) ?? []);
  } finally {
    await world.stop();
  }
};

async function once(world: World, contender: ContenderName): Promise<number> {
  await world.reset({ latencyMs: 20, tokenLifetimeMs: 300_000, idJagsOnce: false });
  const client = start<ClientMethods>(new URL('../processes/client.ts', import.meta.url));
  try {
    // an answer shows that the process has loaded its modules
    await client.call('burst', 0);
    const ms = await client.call('connect', { contender, world: world.addresses });
    await client.call('close');
    return ms;
  } finally {
    await client.stop();
  }
}

function rows(measured: (name: ContenderName) => readonly number[]): readonly Row[] {
  const of = (name: ContenderName) => median(measured(name));
  // The ratio is computed for each round, because a machine with other load is slower in some rounds than in others.
  const ratioTo = (name: ContenderName, minimum: ContenderName) =>
    median(measured(name).map((ms, round) => ms / (measured(minimum)[round] ?? Number.NaN)));
  const ratio: Values = [ratioTo('credence-v1', 'minimum-v1'), ratioTo('credence-v2', 'minimum-v2')];
  return [
    {
      id: 'a',
      what: 'cold connect and first call',
      unit: 'ms',
      peerV2: of('peer-v2'),
      peerV1: of('peer-v1'),
      baseline: [of('minimum-v1'), of('minimum-v2')],
      credence: [of('credence-v1'), of('credence-v2')],
      ratio,
      target: atMost(ratio, 1.15, ' x'),
    },
    {
      id: 'a',
      what: 'the same, v2 negotiates the revision (`auto`)',
      unit: 'ms',
      baseline: [of('minimum-v2')],
      credence: [of('credence-v2-auto')],
      ratio: [ratioTo('credence-v2-auto', 'minimum-v2')],
    },
  ];
}
