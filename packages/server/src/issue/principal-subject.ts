import { calling } from '../grant/callback.ts';
import { serverFailure } from '../grant/refusal.ts';
import type { Awaitable } from '../options/awaitable.ts';

/** The subject identifier of a service principal, by the option where there is one. Throws GrantRefusal `server_error`. */
export async function principalSubject(
  subject: ((clientId: string) => Awaitable<string>) | undefined,
  clientId: string,
): Promise<string> {
  if (subject === undefined) return clientId;
  const answer: unknown = await calling('subject', () => subject(clientId));
  if (typeof answer !== 'string' || answer === '') throw serverFailure('subject returned no subject identifier');
  return answer;
}
