import type { MemoryMethods } from '../processes/memory.ts';
import { start } from '../processes/rpc.ts';
import { below, type Values } from '../report/row.ts';
import type { Measure } from './measure.ts';

const KEYS = 100_000;

/** (e) Measures the memory that one cached token takes at 100,000 tokens, its cache entry included. One round: it does not vary. */
export const memory: Measure = async ({ log }) => {
  log(`(e) ${KEYS} tokens`);
  const child = start<MemoryMethods>(new URL('../processes/memory.ts', import.meta.url), ['--expose-gc']);
  try {
    const credence: Values = [await child.call('bytesPerToken', KEYS)];
    const what = 'memory per cached token at 100,000 keys';
    return [{ id: 'e', what, unit: 'bytes', credence, target: below(credence, 1_500, ' bytes') }];
  } finally {
    await child.stop();
  }
};
