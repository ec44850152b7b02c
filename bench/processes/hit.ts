import { PerformanceObserver } from 'node:perf_hooks';
import { principal } from '../peers/credence.ts';
import { MinimalTokens } from '../peers/minimum.ts';
import { median } from '../report/stats.ts';
import type { Addresses } from '../world/state.ts';
import { answer } from './rpc.ts';

export interface HitCost {
  readonly nanoseconds: number;
  readonly bytes: number;
}

const CALLS = 50_000;
const BATCHES = 9;

async function nanosecondsOf(token: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  for (let call = 0; call < CALLS; call += 1) await token();
  return Number(process.hrtime.bigint() - started) / CALLS;
}

/** The heap bytes that one call allocates. Throws if a garbage collection runs during the measurement. */
async function bytesOf(token: () => Promise<unknown>): Promise<number> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  globalThis.gc?.();
  await settled();
  observer.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage().heapUsed;
  for (let call = 0; call < CALLS; call += 1) await token();
  const bytes = (process.memoryUsage().heapUsed - before) / CALLS;
  await settled();
  observer.disconnect();
  if (collections > 0) throw new Error('the heap was collected while its growth was measured');
  return bytes;
}

function settled(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}

const methods = {
  /** Measures `token()` with a fresh cached token: batches of Credence and of the minimum alternate. */
  async compare(world: Addresses): Promise<{ credence: HitCost; minimum: HitCost }> {
    if (!globalThis.gc) throw new Error('needs --expose-gc');
    const bot = principal(world);
    const minimal = new MinimalTokens(world);
    const credence = () => bot.token('bench');
    const minimum = () => minimal.token();
    const times = { credence: [] as number[], minimum: [] as number[] };
    for (let batch = -2; batch < BATCHES; batch += 1) {
      const [c, m] = [await nanosecondsOf(credence), await nanosecondsOf(minimum)];
      if (batch < 0) continue;
      times.credence.push(c);
      times.minimum.push(m);
    }
    const bytes = { credence: await bytesOf(credence), minimum: await bytesOf(minimum) };
    await bot.close();
    return {
      credence: { nanoseconds: median(times.credence), bytes: bytes.credence },
      minimum: { nanoseconds: median(times.minimum), bytes: bytes.minimum },
    };
  },
};
export type HitMethods = typeof methods;

answer(methods);
