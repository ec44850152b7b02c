import { createHmac } from 'node:crypto';
import { isObject } from '@credence/protocol';

/**
 * A pairwise subject identifier (OpenID Connect Core section 8.1). The sector is the authorization server: within it the
 * identifier stays the same while the secret stays the same; other sectors get other identifiers. Without the secret it reveals
 * nothing of the subject.
 */
export function pairwiseSubject(
  secret: string | Uint8Array,
  subject: {
    readonly sector: string;
    readonly kind: 'principal' | 'user';
    readonly subject: string;
    /** The issuer, if another issuer names the subject. */
    readonly issuer?: string | undefined;
  },
): string {
  const { sector, kind, issuer } = subject;
  const named = [sector, kind, subject.subject, ...(issuer === undefined ? [] : [issuer])];
  // JSON, because joined text could be the same for two different lists
  return createHmac('sha256', secret).update(JSON.stringify(named)).digest('base64url');
}

/**
 * An `act` claim (RFC 8693 section 4.1) with pseudonyms. Each actor gets the pseudonym that it has as a subject. An actor with an
 * `iss` of another issuer gets a different one. All other claims of an actor are removed, because two authorization servers could
 * recognize the same user by any equal claim.
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
