import { start } from '../processes/rpc.ts';
import type { Rates, VerificationMethods } from '../processes/verification.ts';
import { atLeast, type Values } from '../report/row.ts';
import { median } from '../report/stats.ts';
import type { Measure } from './measure.ts';

const ROUNDS = 2;

/** (g) Compares verifying an ID-JAG (ES256) by `verifyIdJag` with verifying only the signature and times of a JWT by jose. */
export const verification: Measure = async ({ rounds = ROUNDS, log }) => {
  const measured: Rates[] = [];
  for (let round = 0; round < rounds; round += 1) {
    log(`(g) round ${round + 1} of ${rounds}`);
    const child = start<VerificationMethods>(new URL('../processes/verification.ts', import.meta.url));
    try {
      measured.push(await child.call('compare'));
    } finally {
      await child.stop();
    }
  }
  const of = (key: keyof Rates): Values => [median(measured.map((rates) => rates[key]))];
  const ratio = of('ratio');
  return [
    {
      id: 'g',
      what: '`verifyIdJag`, compared with `jose.jwtVerify`',
      unit: 'per s',
      baseline: of('bare'),
      credence: of('credence'),
      ratio,
      target: atLeast(ratio, 0.85, ' x'),
    },
  ];
};
