import type { Addresses } from '../world/state.ts';

/** One way to call an MCP server with authorization, set up as its documentation shows. */
export interface Contender {
  /** Connects with no state: the credentials are text, no connection is open, no metadata is cached. */
  connect(world: Addresses): Promise<Connection>;
}

export interface Connection {
  /** Calls a tool once. Rejects if the call fails. */
  call(): Promise<void>;
  close(): Promise<void>;
}

export const CLIENT_INFO = { name: 'bench', version: '1.0.0' };
