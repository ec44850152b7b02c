import { createHmac } from 'node:crypto';

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
