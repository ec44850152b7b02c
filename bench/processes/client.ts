import { contenders, type ContenderName } from '../peers/all.ts';
import type { Connection } from '../peers/contender.ts';
import type { Addresses } from '../world/state.ts';
import { answer } from './rpc.ts';

/** The duration of each call that succeeded, and the number of calls that failed. */
export interface Calls {
  readonly latenciesMs: readonly number[];
  readonly failed: number;
}

let connection: Connection | undefined;

async function timed(calls: readonly Promise<number>[]): Promise<Calls> {
  const outcomes = await Promise.allSettled(calls);
  const latenciesMs = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  return { latenciesMs, failed: outcomes.length - latenciesMs.length };
}

async function oneCall(): Promise<number> {
  if (!connection) throw new Error('not connected');
  const startedMs = performance.now();
  await connection.call();
  return performance.now() - startedMs;
}

const methods = {
  /** Connects and makes the first call. Resolves to the milliseconds that both took. */
  async connect({ contender, world }: { contender: ContenderName; world: Addresses }): Promise<number> {
    const startedMs = performance.now();
    connection = await contenders[contender].connect(world);
    await connection.call();
    return performance.now() - startedMs;
  },
  /** Makes `calls` calls at the same time. */
  burst: (calls: number): Promise<Calls> => timed(Array.from({ length: calls }, oneCall)),
  /** Starts a call every `everyMs` for `forMs`, also while earlier calls are pending. */
  async steady({ everyMs, forMs }: { everyMs: number; forMs: number }): Promise<Calls> {
    const calls: Promise<number>[] = [];
    const startedMs = performance.now();
    while (performance.now() < startedMs + forMs) {
      const call = oneCall();
      // prevents an unhandled rejection; `timed` counts the failure
      call.catch(() => undefined);
      calls.push(call);
      const dueMs = startedMs + calls.length * everyMs - performance.now();
      await new Promise((resolve) => {
        setTimeout(resolve, Math.max(0, dueMs));
      });
    }
    return timed(calls);
  },
  async close(): Promise<void> {
    await connection?.close();
    connection = undefined;
  },
};
export type ClientMethods = typeof methods;

answer(methods);
