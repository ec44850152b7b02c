import { redisIsInstalled, startRedisServer } from '../../test/support/redis-server.ts';
import { randomBytes } from 'node:crypto';
import type { FleetMemberMethods, Membership } from '../processes/fleet-member.ts';
import { type Child, start } from '../processes/rpc.ts';
import { atMost, ratioOf, type Row, type Values } from '../report/row.ts';
import { authRequests, type Counts } from '../world/state.ts';
import { startWorld, type World } from '../world/world.ts';
import type { Measure } from './measure.ts';

const MEMBERS = 8;
const FOR_MS = 9_000;
const EVERY_MS = 20;
const TOKEN_LIFETIME_MS = 2_000;

interface Outcome {
  readonly counts: Counts;
  readonly failed: number;
}

/**
 * (f) Measures eight processes of one principal that call `token()` every 20 ms, with one Redis and without. The unit "token
 * life" is the time between two renewals of one process. It is taken from the run without Redis.
 */
export const fleet: Measure = async ({ log }) => {
  if (!redisIsInstalled()) {
    log('(f) SKIPPED: redis-server is not installed (apt-get install redis-server)');
    return [];
  }
  const redis = await startRedisServer();
  const world = await startWorld();
  const members = Array.from({ length: MEMBERS }, () =>
    start<FleetMemberMethods>(new URL('../processes/fleet-member.ts', import.meta.url)),
  );
  const run = (idJagsOnce: boolean, shared: boolean): Promise<Outcome> => {
    log(`(f) ${MEMBERS} processes ${shared ? 'with one Redis' : 'without Redis'}, ${usesOf(idJagsOnce)}`);
    const encryptionKey = randomBytes(32).toString('base64');
    const prefix = `bench:${randomBytes(4).toString('hex')}:`;
    return once(world, members, idJagsOnce, shared ? { url: redis.url, prefix, encryptionKey } : undefined);
  };
  try {
    const rows: Row[] = [];
    for (const idJagsOnce of [false, true]) {
      const apart = await run(idJagsOnce, false);
      const together = await run(idJagsOnce, true);
      rows.push(...rowsOf(idJagsOnce, apart, together));
    }
    return rows;
  } finally {
    await Promise.all([...members, world, redis].map((child) => child.stop()));
  }
};

async function once(
  world: World,
  members: readonly Child<FleetMemberMethods>[],
  idJagsOnce: boolean,
  redis: Membership['redis'],
): Promise<Outcome> {
  await world.reset({ latencyMs: 20, tokenLifetimeMs: TOKEN_LIFETIME_MS, idJagsOnce });
  await Promise.all(members.map((member) => member.call('join', { world: world.addresses, redis })));
  // one after the other, so that each process finds in the store what the previous process wrote
  for (const member of members) await member.call('acquireOnce');
  const steady = (forMs: number) =>
    Promise.all(members.map((member) => member.call('steady', { everyMs: EVERY_MS, forMs })));
  await steady(TOKEN_LIFETIME_MS / 2);
  await world.resetCounts();
  const steadied = await steady(FOR_MS);
  const counts = await world.counts();
  await Promise.all(members.map((member) => member.call('leave')));
  return { counts, failed: steadied.reduce((sum, { failed }) => sum + failed, 0) };
}

function rowsOf(idJagsOnce: boolean, apart: Outcome, together: Outcome): readonly Row[] {
  // Each process without Redis renews its token once in each token life. Where ID-JAGs are accepted once, a renewal takes
  // two requests: an exchange and a redemption.
  const requestsPerToken = idJagsOnce ? 2 : 1;
  const lives = authRequests(apart.counts) / requestsPerToken / MEMBERS;
  const credence: Values = [authRequests(together.counts) / lives];
  const baseline: Values = [authRequests(apart.counts) / lives];
  const failed: Values = [together.failed];
  return [
    {
      id: 'f',
      what: `${MEMBERS} processes: requests per token life, ${usesOf(idJagsOnce)}`,
      unit: '',
      baseline,
      credence,
      ratio: ratioOf(credence, baseline),
      target: atMost(credence, 1.2 * requestsPerToken),
    },
    {
      id: 'f',
      what: '... failed calls of `token()`',
      unit: '',
      baseline: [apart.failed],
      credence: failed,
      target: atMost(failed, 0),
    },
  ];
}

function usesOf(idJagsOnce: boolean): string {
  return idJagsOnce ? 'single-use ID-JAGs' : 'reusable ID-JAGs';
}
