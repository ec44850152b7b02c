import { type Child, start } from '../processes/rpc.ts';
import type { WorldMethods } from './process.ts';
import type { Addresses, Behaviour, Counts } from './state.ts';

/** An IdP, an authorization server and an MCP server. They run in a separate process, so that their CPU time is not measured. */
export interface World {
  readonly addresses: Addresses;
  /** Deletes all tokens and counts, and sets the behaviour. */
  reset(behaviour: Behaviour): Promise<void>;
  resetCounts(): Promise<void>;
  counts(): Promise<Counts>;
  /** Revokes all access tokens that were issued. */
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
