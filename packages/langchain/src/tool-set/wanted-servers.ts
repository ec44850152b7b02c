import { type CredenceError, isCredenceError, type ServicePrincipal } from '@credence/core';

/** The servers by their configured name, without duplicates. The value is the error of a server that is not configured. */
export function wantedServers(
  bot: ServicePrincipal,
  servers: readonly (string | URL)[],
): ReadonlyMap<string, CredenceError | undefined> {
  const wanted = new Map<string, CredenceError | undefined>();
  for (const server of servers) {
    try {
      wanted.set(bot.server(server).name, undefined);
    } catch (error) {
      if (!isCredenceError(error)) throw error;
      wanted.set(String(server), error);
    }
  }
  return wanted;
}
