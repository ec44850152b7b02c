import { type Child, start } from '../processes/rpc.ts';
import type { WorldMethods } from './process.ts';
import type { Addresses, Behaviour, Counts } from './state.ts';

/** An IdP, an authorization server and an MCP server, in a process of their own so that no client pays for them. */
export interface World {
  readonly addresses: Addresses;
  /** Forgets every token and every count, and behaves like this from now on. */
  reset(behaviour: Behaviour): Promise<void>;
  resetCounts(): Promise<void>;
  counts(): Promise<Counts>;
  /** Every access token is refused from now on. */
  revoke(): Promise<void>;
  stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const child: Child<WorldMethods> = start(new URL('./process.ts', import.meta.url));
  const addresses = await child.call('open');
  return {
    addresses,
    reset: (behaviour) => child.call('reset', behaviour),
    resetCounts: () => child.call('resetCounts'),
    counts: () => child.call('counts'),
    revoke: () => child.call('revoke'),
    stop: () => child.stop(),
  };
}
