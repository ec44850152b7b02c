import type { Addresses } from '../world/state.ts';

/** One way to reach an MCP server, as its documentation would have it used. */
export interface Contender {
  /** Everything from nothing: credentials as text, no connection, no metadata. */
  connect(world: Addresses): Promise<Connection>;
}

export interface Connection {
  /** One call of a tool; rejects where it fails. */
  call(): Promise<void>;
  close(): Promise<void>;
}

export const CLIENT_INFO = { name: 'bench', version: '1.0.0' };
