import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { actClaim } from './actor.ts';
import type { IdJagTerms } from './grant.ts';
import type { IdJagGrant, IdJagRequest } from './policy.ts';

/** The claims of the ID-JAG. The policy's further claims come first, so that the protocol's claims override them. */
export function idJagClaims(
  issuer: string,
  terms: IdJagTerms,
  { request, grant, now }: { request: IdJagRequest; grant: IdJagGrant; now: Date },
): JWTPayload {
  const { nbf: _nbf, ...extra } = grant.claims ?? {};
  const issuedAt = Math.floor(now.getTime() / 1000);
  const resource = oneOrMany(terms.resources);
  return withoutUndefined({
    ...extra,
    iss: issuer,
    sub: terms.subject,
    aud: terms.audience,
    client_id: terms.clientId,
    jti: randomUUID(),
    iat: issuedAt,
    exp: issuedAt + terms.lifetimeSeconds,
    resource,
    scope: terms.scopes?.join(' '),
    authorization_details: grant.authorizationDetails,
    act: actClaim(request, grant) ?? extra['act'],
    cnf: request.dpopThumbprint === undefined ? undefined : { jkt: request.dpopThumbprint },
  });
}

/** RFC 8707: one resource is a string, several are a list. */
export function oneOrMany(list: readonly string[]): string | readonly string[] | undefined {
  return list.length > 1 ? list : list[0];
}

function withoutUndefined(claims: Record<string, unknown>): JWTPayload {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
