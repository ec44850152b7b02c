import { createHmac } from 'node:crypto';
import { isObject } from '../id-jag/read-claim.ts';

/**
 * A pseudonym of a subject in one sector (OpenID Connect Core section 8.1), the authorization server: the same there as
 * long as the secret is, another everywhere else, and nothing of the subject can be read from it without the secret.
 */
export function pairwiseSubject(
  secret: string | Uint8Array,
  { sector, kind, subject }: { sector: string; kind: 'principal' | 'user'; subject: string },
): string {
  // As JSON, so that no two triples are written the same way.
  return createHmac('sha256', secret)
    .update(JSON.stringify([sector, kind, subject]))
    .digest('base64url');
}

/**
 * An `act` claim with pseudonyms: each actor by the one it has when it comes for itself, and nothing else that is said of
 * it, since whatever is the same at two authorization servers tells them that they have the same user.
 */
export function pairwiseAct(
  secret: string | Uint8Array,
  sector: string,
  { sub, act }: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return {
    ...(typeof sub === 'string' && { sub: pairwiseSubject(secret, { sector, kind: 'principal', subject: sub }) }),
    ...(isObject(act) && { act: pairwiseAct(secret, sector, act) }),
  };
}
