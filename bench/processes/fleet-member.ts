import { type RedisStore, redisStore } from '@credence/redis';
import type { ServicePrincipal } from '@credence/core';
import { principal } from '../peers/credence.ts';
import type { Addresses } from '../world/state.ts';
import { answer } from './rpc.ts';

export interface Membership {
  readonly world: Addresses;
  /** Without it the process keeps its tokens to itself. */
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
  /** Gets a token by itself, as it does sooner or later: metadata and what it learns of the peers are kept from then on. */
  async goOnce(): Promise<void> {
    joined().invalidate(await joined().token('bench'));
    await joined().token('bench');
  },
  /** Asks for the token every so often; how often that failed. */
  async steady({ everyMs, forMs }: { everyMs: number; forMs: number }): Promise<{ asked: number; failed: number }> {
    const asked: Promise<unknown>[] = [];
    const startedMs = performance.now();
    while (performance.now() < startedMs + forMs) {
      const token = joined().token('bench');
      token.catch(() => undefined);
      asked.push(token);
      const dueMs = startedMs + asked.length * everyMs - performance.now();
      await new Promise((resolve) => {
        setTimeout(resolve, Math.max(0, dueMs));
      });
    }
    const outcomes = await Promise.allSettled(asked);
    return { asked: asked.length, failed: outcomes.filter(({ status }) => status === 'rejected').length };
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
