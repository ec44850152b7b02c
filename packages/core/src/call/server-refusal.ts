import { cleanText } from '@credence/protocol';
import type { Challenges } from '../net/challenge.ts';
import { peerTimeMs } from '../net/gate.ts';
import { peerError, peerText } from '../net/peer-text.ts';
import type { AccessToken } from '../tokens/access-token.ts';
import type { ServerRefusal } from '../tokens/failures.ts';

/** What an MCP server says in an error response: in its challenges, and in the start of its body if that was read. */
export function serverRefusal(
  { status, headers }: Response,
  { challenges, malformed }: Challenges,
  token: AccessToken,
  body = '',
): ServerRefusal {
  const secrets = [token.value];
  const clean = (text: string | undefined, max?: number) =>
    (text !== undefined && cleanText(text, { secrets, ...(max !== undefined && { max }) })) || undefined;
  const challenge = challenges.find(({ error }) => error !== undefined) ?? challenges[0];
  const errorDescription = clean(challenge?.errorDescription);
  return {
    status,
    error: clean(challenge?.error ?? peerError(body), 64),
    errorDescription,
    peerText: errorDescription ?? peerText(body, secrets),
    malformedChallenge: malformed,
    serverTimeMs: peerTimeMs(headers),
  };
}
