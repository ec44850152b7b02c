import { lruCache } from '../cache/lru-cache.ts';
import { readConfirmation } from '../jose/confirmation.ts';
import { quoted } from '../text/quoted.ts';
import { isNormalResource, normalResource } from '../text/resource.ts';
import { IdJagError } from './error.ts';
import { readIdentity } from './identity-claims.ts';
import {
  type Claims,
  isObject,
  optionalNumber,
  optionalObject,
  optionalString,
  requiredNumber,
  requiredString,
  SCOPE,
  stringList,
  textOf,
} from './read-claim.ts';
import { readTenants } from './tenants.ts';
import type { AuthorizationDetail, IdJag, TrustedIssuer } from './types.ts';

/** The values that the claims of an ID-JAG are checked against. */
export interface ClaimRules {
  /** The issuer identifier of this authorization server. */
  audience: string;
  /** The authenticated client. */
  clientId: string;
  /** The configuration of the issuer. */
  trusted: TrustedIssuer;
  /** The tenant of this authorization server that the client belongs to, if it is known. */
  audienceTenant?: string | undefined;
  /** The largest difference between the clocks of the issuer and this server, in seconds. */
  clockToleranceSeconds: number;
  /** The largest `exp - iat` that is accepted, in seconds. */
  maxLifetimeSeconds: number;
  /** Epoch seconds. */
  now: number;
}

/** Checks the type and the value of each signed claim, and returns them as an IdJag. Throws IdJagError. */
export function readClaims(claims: Claims, rules: ClaimRules): IdJag {
  const issuer = requiredString(claims, 'iss');
  const subject = requiredString(claims, 'sub');
  const jwtId = requiredString(claims, 'jti');
  const audience = soleAudience(claims, rules.audience);
  const clientId = requiredString(claims, 'client_id');
  if (clientId !== rules.clientId) throw new IdJagError('wrong_client', `issued for ${quoted(clientId)}`);
  const { issuedAt, expiresAt } = readTimes(claims, rules);
  const { tenant, audienceTenant } = readTenants(claims, rules.trusted, rules.audienceTenant);
  const { groups, roles, email, verifiedEmail } = readIdentity(claims, rules.trusted, tenant);
  checkAuthentication(claims);
  return {
    issuer,
    subject,
    audience,
    clientId: rules.clientId,
    jwtId,
    issuedAt: new Date(issuedAt * 1000),
    expiresAt: new Date(expiresAt * 1000),
    resources: readResources(claims),
    scopes: readScopes(claims),
    authorizationDetails: readAuthorizationDetails(claims),
    actor: optionalObject(claims, 'act'),
    tenant,
    audienceTenant,
    audienceSubject: optionalString(claims, 'aud_sub'),
    groups,
    roles,
    email,
    verifiedEmail,
    confirmationThumbprint: confirmedThumbprint(claims),
    claims,
  };
}

function readTimes(claims: Claims, rules: ClaimRules): { issuedAt: number; expiresAt: number } {
  const expiresAt = requiredNumber(claims, 'exp');
  const issuedAt = requiredNumber(claims, 'iat');
  const { now, clockToleranceSeconds: tolerance, maxLifetimeSeconds } = rules;
  const ahead = (seconds: number) => `${Math.ceil(seconds - now)} seconds ahead of this clock`;
  if (expiresAt <= now - tolerance) throw new IdJagError('expired', `${Math.floor(now - expiresAt)} seconds ago`);
  if (issuedAt > now + tolerance) throw new IdJagError('not_yet_valid', `iat is ${ahead(issuedAt)}`);
  const notBefore = optionalNumber(claims, 'nbf') ?? 0;
  if (notBefore > now + tolerance) throw new IdJagError('not_yet_valid', `nbf is ${ahead(notBefore)}`);
  const lifetime = expiresAt - issuedAt;
  if (lifetime <= 0) throw new IdJagError('invalid_claim', 'exp is not after iat');
  if (lifetime > maxLifetimeSeconds) {
    throw new IdJagError('lifetime_too_long', `${lifetime} seconds, of at most ${maxLifetimeSeconds}`);
  }
  return { issuedAt, expiresAt };
}

/** Checks that the audience is `expected` alone: a string, or a list with one entry. */
function soleAudience(claims: Claims, expected: string): string {
  const { aud } = claims;
  if (aud === undefined) throw new IdJagError('missing_claim', 'aud');
  const sole: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (sole !== expected) {
    throw new IdJagError('wrong_audience', `found ${quoted(aud)}, expected ${quoted(expected)}`);
  }
  return expected;
}

/** Spellings that were found to be normal: an issuer names the same few resources in all its ID-JAGs. */
const normalSpellings = lruCache<true>(100);
const MAX_CACHED_LENGTH = 256;

function isNormal(resource: string): boolean {
  if (normalSpellings.get(resource) === true) return true;
  if (!isNormalResource(resource)) return false;
  if (resource.length <= MAX_CACHED_LENGTH) normalSpellings.set(resource, true);
  return true;
}

/**
 * The claim `resource`: a URI, or a list of different ones. A URI in another spelling than that of `normalResource` is refused,
 * because other servers that compare strings would take it for another resource.
 */
function readResources({ resource }: Claims): readonly string[] {
  if (resource === undefined) return [];
  const list: unknown[] = Array.isArray(resource) ? resource : [resource];
  if (list.length === 0) throw new IdJagError('invalid_claim', 'resource');
  const resources = list.map((entry) => {
    if (typeof entry !== 'string' || !isNormal(entry)) throw new IdJagError('invalid_claim', 'resource');
    return entry;
  });
  if (resources.length > 1 && new Set(resources.map((entry) => normalResource(entry))).size < resources.length) {
    throw new IdJagError('invalid_claim', 'resource: a value is repeated');
  }
  return resources;
}

function readScopes(claims: Claims): readonly string[] | undefined {
  const { scope } = claims;
  if (scope === undefined) return undefined;
  if (typeof scope !== 'string') throw new IdJagError('invalid_claim', 'scope');
  if (!SCOPE.test(scope)) throw new IdJagError('invalid_claim', 'scope');
  return [...new Set(scope.split(' ').filter((entry) => entry !== ''))];
}

function readAuthorizationDetails(claims: Claims): readonly AuthorizationDetail[] | undefined {
  const details = claims['authorization_details'];
  if (details === undefined) return undefined;
  if (!Array.isArray(details)) throw new IdJagError('invalid_claim', 'authorization_details');
  return details.map((detail: unknown) => {
    if (!isObject(detail)) throw new IdJagError('invalid_claim', 'authorization_details');
    return { ...detail, type: textOf(detail['type'], 'authorization_details') };
  });
}

/** Checks the types of claims that are passed on and not used here (OpenID Connect Core section 2). */
function checkAuthentication(claims: Claims): void {
  optionalNumber(claims, 'auth_time');
  optionalString(claims, 'acr');
  if (claims['amr'] !== undefined) stringList(claims['amr'], 'amr');
}

/** RFC 7800: an unknown confirmation method is refused. If it were ignored, anybody who holds the bound ID-JAG could use it. */
function confirmedThumbprint({ cnf }: Claims): string | undefined {
  if (cnf === undefined) return undefined;
  const { thumbprint, fault } = readConfirmation(cnf);
  if (fault === 'unsupported') throw new IdJagError('unsupported_confirmation');
  if (fault === 'malformed') throw new IdJagError('invalid_claim', 'cnf');
  return thumbprint;
}
