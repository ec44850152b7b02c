import { createHash } from 'node:crypto';
import type { ToolOrigin } from './origin.ts';

/** Characters that model providers do not allow in the name of a tool. */
const FORBIDDEN = /[^A-Za-z0-9_-]/gu;
const MAX_LENGTH = 64;
const HASH_LENGTH = 16;
const ENDS_LIKE_A_HASH = new RegExp(`_[0-9a-f]{${HASH_LENGTH}}$`, 'u');

/**
 * Names for tools that every model provider accepts (`[A-Za-z_][A-Za-z0-9_-]{0,63}`): `<server>__<tool>`, in the order of `tools`.
 * Characters that are not allowed become `_`. No two names are equal, also if `-` and `_` are compared as the same character.
 *
 * A name ends in a hash of server and tool if it is too long, if two tools of the server would have it, or if it could also be the
 * name of a tool of another server (`a__b` of the server `x`, and any tool of the server `x__a`). This does not depend on which tools
 * the other server has, or whether it can be reached. So a server cannot change the name of another server's tool or take it over,
 * and a name stays the same from run to run.
 *
 * @param tools the tools of all servers; no server has two tools with the same original name
 * @param servers the names of all configured servers
 */
export function toolNames(tools: readonly ToolOrigin[], servers: readonly string[]): string[] {
  const prefixes = new Map(servers.map((server) => [server, compared(prefixOf(server))]));
  const timesUsed = new Map<string, number>();
  for (const tool of tools) {
    const name = compared(fullName(tool));
    timesUsed.set(name, (timesUsed.get(name) ?? 0) + 1);
  }
  return tools.map((tool) => {
    const name = fullName(tool);
    const key = compared(name);
    const mayBeAnothers = [...prefixes].some(([server, prefix]) => server !== tool.server && key.startsWith(prefix));
    const isAmbiguous = mayBeAnothers || timesUsed.get(key) !== 1;
    // A plain name that ends like a hash is hashed too, so that it cannot be the hashed name of another tool.
    return isAmbiguous || name.length > MAX_LENGTH || ENDS_LIKE_A_HASH.test(key) ? hashed(name, tool) : name;
  });
}

function fullName({ server, tool }: ToolOrigin): string {
  return `${prefixOf(server)}${allowed(tool)}`;
}

function prefixOf(server: string): string {
  const name = allowed(server);
  return `${/^[A-Za-z_]/u.test(name) ? '' : '_'}${name}__`;
}

function allowed(name: string): string {
  return name.replace(FORBIDDEN, '_');
}

/** Names that differ only in `-` and `_` count as equal. */
function compared(name: string): string {
  return name.replaceAll('-', '_');
}

function hashed(name: string, { server, tool }: ToolOrigin): string {
  // As JSON, so that no other pair of names gives the same text.
  const text = JSON.stringify([server, tool]);
  const hash = createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
  return `${name.slice(0, MAX_LENGTH - HASH_LENGTH - 1)}_${hash}`;
}
