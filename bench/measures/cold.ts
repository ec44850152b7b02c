import type { ContenderName } from '../peers/all.ts';
import type { ClientMethods } from '../processes/client.ts';
import { start } from '../processes/rpc.ts';
import { atMost, ratioOf, type Row, type Values } from '../report/row.ts';
import { median } from '../report/stats.ts';
import { startWorld, type World } from '../world/world.ts';
import type { Measure } from './measure.ts';

const ROUNDS = 5;
const NAMES = [
  'minimum-v1',
  'credence-v1',
  'minimum-v2',
  'credence-v2',
  'credence-v2-auto',
  'peer-v1',
  'peer-v2',
] as const satisfies readonly ContenderName[];

/** (a) From nothing to the answer of the first call: each time a new process, whose modules are loaded. */
export const cold: Measure = async ({ rounds = ROUNDS, say }) => {
  const world = await startWorld();
  try {
    const measured = new Map<ContenderName, number[]>(NAMES.map((name) => [name, []]));
    // the first ones warm the world up
    await once(world, 'minimum-v1');
    for (let round = 0; round < rounds; round += 1) {
      say(`(a) round ${round + 1} of ${rounds}`);
      for (const name of NAMES) measured.get(name)?.push(await once(world, name));
    }
    const of = (name: ContenderName) => median(measured.get(name) ?? []);
    return rows(of);
  } finally {
    await world.stop();
  }
};

async function once(world: World, contender: ContenderName): Promise<number> {
  await world.reset({ latencyMs: 20, tokenLifetimeMs: 300_000, idJagsOnce: false });
  const client = start<ClientMethods>(new URL('../processes/client.ts', import.meta.url));
  try {
    // its modules are loaded when it answers
    await client.call('burst', 0);
    const ms = await client.call('connect', { contender, world: world.addresses });
    await client.call('close');
    return ms;
  } finally {
    await client.stop();
  }
}

function rows(of: (name: ContenderName) => number): readonly Row[] {
  const baseline: Values = [of('minimum-v1'), of('minimum-v2')];
  const credence: Values = [of('credence-v1'), of('credence-v2')];
  const ratio = ratioOf(credence, baseline);
  const auto: Values = [of('credence-v2-auto')];
  return [
    {
      id: 'a',
      what: 'cold connect and first call',
      unit: 'ms',
      peerV2: of('peer-v2'),
      peerV1: of('peer-v1'),
      baseline,
      credence,
      ratio,
      target: atMost(ratio, 1.15, ' x'),
    },
    {
      id: 'a',
      what: 'the same, v2 finding out the revision (`auto`)',
      unit: 'ms',
      baseline: [of('minimum-v2')],
      credence: auto,
      ratio: ratioOf(auto, [of('minimum-v2')]),
    },
  ];
}
