import { createHmac } from 'node:crypto';
import { isObject } from '@credence/protocol';

/**
 * A pseudonym of a subject in one sector (OpenID Connect Core section 8.1), the authorization server: the same there as
 * long as the secret is, another everywhere else, and nothing of the subject can be read from it without the secret.
 */
export function pairwiseSubject(
  secret: string | Uint8Array,
  subject: {
    readonly sector: string;
    readonly kind: 'principal' | 'user';
    readonly subject: string;
    /** Of a subject of somebody else's. */
    readonly issuer?: string | undefined;
  },
): string {
  const { sector, kind, issuer } = subject;
  const named = [sector, kind, subject.subject, ...(issuer === undefined ? [] : [issuer])];
  // As JSON, so that no two lists are written the same way.
  return createHmac('sha256', secret).update(JSON.stringify(named)).digest('base64url');
}

/**
 * An `act` claim with pseudonyms: each actor by the one it has when it comes for itself, one that another issuer names
 * (RFC 8693 section 4.1, `iss`) by one of its own, and nothing else that is said of it, since whatever is the same at two authorization servers tells them that they have the same user.
 */
export function pairwiseAct(
  secret: string | Uint8Array,
  sector: string,
  { sub, iss, act }: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const issuer = typeof iss === 'string' ? iss : undefined;
  return {
    ...(typeof sub === 'string' && {
      sub: pairwiseSubject(secret, { sector, kind: 'principal', subject: sub, issuer }),
    }),
    ...(isObject(act) && { act: pairwiseAct(secret, sector, act) }),
  };
}
