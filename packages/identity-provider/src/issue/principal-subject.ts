import { callCallback, serverFailure } from '@credence/authorization-server/internals';
import type { Awaitable } from '@credence/protocol';

/**
 * Returns the subject of a principal: the result of the option `subject`, or the client id. Throws GrantRefusal `server_error`.
 */
export async function principalSubject(
  subject: ((clientId: string) => Awaitable<string>) | undefined,
  clientId: string,
): Promise<string> {
  if (subject === undefined) return clientId;
  const result: unknown = await callCallback('subject', () => subject(clientId));
  if (typeof result !== 'string' || result === '') throw serverFailure('subject returned no subject identifier');
  return result;
}
