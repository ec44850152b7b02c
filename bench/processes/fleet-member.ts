import { type RedisStore, redisStore } from '@credence/redis';
import type { ServicePrincipal } from '@credence/core';
import { principal } from '../peers/credence.ts';
import type { Addresses } from '../world/state.ts';
import { answer } from './rpc.ts';

export interface Membership {
  readonly world: Addresses;
  /** Without it the process shares no tokens. */
  readonly redis?: { readonly url: string; readonly prefix: string; readonly encryptionKey: string } | undefined;
}

let bot: ServicePrincipal | undefined;
let store: RedisStore | undefined;

function joined(): ServicePrincipal {
  if (!bot) throw new Error('this process has not joined');
  return bot;
}

const methods = {
  async join({ world, redis }: Membership): Promise<void> {
    store = redis && redisStore(redis);
    bot = principal(world, store ? { store } : {});
  },
  /** Requests one token from the peers, so that metadata is cached and single use of ID-JAGs is known before the measurement. */
  async acquireOnce(): Promise<void> {
    joined().invalidate(await joined().token('bench'));
    await joined().token('bench');
  },
  /** Calls `token()` every `everyMs` for `forMs`. Resolves to the number of calls and of failures. */
  async steady({ everyMs, forMs }: { everyMs: number; forMs: number }): Promise<{ calls: number; failed: number }> {
    const calls: Promise<unknown>[] = [];
    const startedMs = performance.now();
    while (performance.now() < startedMs + forMs) {
      const token = joined().token('bench');
      token.catch(() => undefined);
      calls.push(token);
      const dueMs = startedMs + calls.length * everyMs - performance.now();
      await new Promise((resolve) => {
        setTimeout(resolve, Math.max(0, dueMs));
      });
    }
    const outcomes = await Promise.allSettled(calls);
    return { calls: calls.length, failed: outcomes.filter(({ status }) => status === 'rejected').length };
  },
  async leave(): Promise<void> {
    await bot?.close();
    await store?.close();
    bot = undefined;
    store = undefined;
  },
};
export type FleetMemberMethods = typeof methods;

answer(methods);
