import { actorName, type AuthorizationDetail, type IdJag, IdJagError, SCOPE_TOKEN } from '@credence/protocol';
import { callCallback } from '../grant/callback.ts';
import { GrantRefusal, serverFailure } from '../grant/refusal.ts';
import { reserveOnce } from '../id-jag/replay.ts';
import { checkIdJag, DEFAULT_CLOCK_TOLERANCE_SECONDS } from '../id-jag/verify.ts';
import { accountOf } from './account-of.ts';
import type { GrantFacts, RequestFacts } from './audit.ts';
import { grantedDetails } from './authorization-details.ts';
import { DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS, type RedemptionRules, type ResourceRules } from './options.ts';
import { chooseResource } from './resource.ts';
import { scopesByRules } from './scope-rules.ts';
import { grantedScopes } from './scopes.ts';
import { IdJagRefusal, redemptionSteps } from './steps.ts';
import { callerClaims, checkedTokenClaims } from './token-claims.ts';

const { step } = redemptionSteps;

/** A token request with an ID-JAG, after the client was authenticated and the DPoP proof was verified. */
export interface RedemptionRequest {
  readonly assertion: string;
  readonly clientId: string;
  /** The `scope` parameter; undefined if it is absent. */
  readonly scopes: readonly string[] | undefined;
  /** The `resource` parameters. */
  readonly resources: readonly string[];
  /** The thumbprint of the proof's key; undefined if there is no proof. */
  readonly dpopThumbprint: string | undefined;
  /** Marks the proof, if there is one, as used. Throws if it was used before. */
  readonly markProofUsed: () => Promise<void>;
}

/** The content of the access token to issue for an ID-JAG. */
export interface Redemption<Resource extends ResourceRules = ResourceRules> {
  /** The verified ID-JAG. */
  readonly idJag: IdJag;
  /** The authenticated client, for which the ID-JAG was issued. */
  readonly clientId: string;
  /** The account that the subject of the ID-JAG was linked to. */
  readonly accountId: string;
  /** The resource identifier that the token is for: its audience. */
  readonly resource: string;
  /** The options of that resource. */
  readonly resourceOptions: Resource;
  /** The granted scopes. Empty only if `authorizationDetails` are granted. */
  readonly scopes: readonly string[];
  /** The granted `authorization_details` (RFC 9396); undefined if there are none. */
  readonly authorizationDetails?: readonly AuthorizationDetail[];
  /** Further claims of the token: `act`, `groups`, `roles` and tenants, or the result of `tokenClaims`. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The lifetime of the token, in seconds. */
  readonly expiresInSeconds: number;
  /** The thumbprint of the key to bind the token to (`cnf.jkt`, RFC 9449 section 6). */
  readonly dpopThumbprint?: string;
}

/** A redemption, and the facts for its audit record. */
export interface DecidedRedemption<Resource extends ResourceRules> {
  readonly redemption: Redemption<Resource>;
  readonly requestFacts: RequestFacts;
  readonly grantFacts: GrantFacts;
}

/**
 * Checks a request and decides the content of the access token. `initialFacts` are the facts from earlier steps. The DPoP proof
 * and the ID-JAG are marked as used after all other checks, or before the `account` callback writes an account. Throws
 * GrantRefusal or the error of `markProofUsed`, both in a step of {@link redemptionSteps}.
 */
export async function decideRedemption<Resource extends ResourceRules>(
  request: RedemptionRequest,
  rules: RedemptionRules<Resource>,
  ownIssuer: string,
  initialFacts: RequestFacts,
): Promise<DecidedRedemption<Resource>> {
  const { scopes: requested, dpopThumbprint } = request;
  await step(initialFacts, () => checkScopeSyntax(requested));
  const withScopes = { ...initialFacts, ...(requested !== undefined && { requestedScopes: requested }) };
  const idJag = await step(withScopes, async () => verifyAssertion(request, rules, ownIssuer));
  const withIdJag = { ...withScopes, ...factsOf(idJag, requested) };
  const resource = await step(withIdJag, () =>
    chooseResource(idJag, request.resources, Object.keys(rules.resources), rules.requireResource ?? false),
  );
  const withResource = { ...withIdJag, resource };
  const terms = await step(withResource, async () => decideTerms(request, rules, idJag, resource));
  const account = await accountOf(idJag, rules, async () => markGrantUsed(request, rules, idJag), withResource);
  const { scopes, authorizationDetails } = terms;
  return {
    redemption: { ...terms, idJag, clientId: request.clientId, accountId: account.accountId, resource },
    requestFacts: { ...withResource, ...account },
    grantFacts: {
      grantedScopes: scopes,
      ...(authorizationDetails !== undefined && {
        grantedDetailsTypes: [...new Set(authorizationDetails.map(({ type }) => type))],
      }),
      tokenType: dpopThumbprint === undefined ? 'Bearer' : 'DPoP',
    },
  };
}

function checkScopeSyntax(requested: readonly string[] | undefined): void {
  if (requested?.every((scope) => SCOPE_TOKEN.test(scope)) === false) {
    throw new GrantRefusal('invalid_scope', 'the scope parameter is malformed');
  }
}

/** The facts that a verified ID-JAG contains. */
function factsOf({ issuer, subject, jwtId, tenant, scopes, actor }: IdJag, requested: readonly string[] | undefined) {
  const requestedScopes = requested ?? scopes;
  return {
    issuer,
    subject,
    jti: jwtId,
    ...actorFacts(actor),
    ...(tenant !== undefined && { tenant }),
    ...(requestedScopes !== undefined && { requestedScopes }),
  } satisfies RequestFacts;
}

/** The name of the party in the claim `act`. */
function actorFacts(act: IdJag['actor']): Pick<RequestFacts, 'actor'> {
  const name = actorName(act);
  return name === undefined ? {} : { actor: name };
}

/** Decides the content of the access token, except the account, the client and the resource. */
async function decideTerms<Resource extends ResourceRules>(
  { scopes: requested, dpopThumbprint }: RedemptionRequest,
  rules: RedemptionRules<Resource>,
  idJag: IdJag,
  resource: string,
): Promise<Omit<Redemption<Resource>, 'idJag' | 'clientId' | 'accountId' | 'resource'>> {
  const resourceOptions = rules.resources[resource];
  if (resourceOptions === undefined) throw new GrantRefusal('invalid_target', 'the resource is not served here');
  if (resourceOptions.requireDpop === true && dpopThumbprint === undefined) {
    throw new GrantRefusal('invalid_grant', 'the resource takes only tokens that are bound by a DPoP proof');
  }
  const authorizationDetails = await grantedDetails(idJag, resource, resourceOptions, rules);
  const scopes = grantedScopes({
    idJag: idJag.scopes,
    requested,
    resource: resourceOptions.scopes,
    resourceDefault: authorizationDetails === undefined ? (resourceOptions.defaultScopes ?? []) : [],
    subject: await subjectScopes(idJag, resource, rules),
    groups: idJag.groups,
    roles: idJag.roles,
    mayBeEmpty: authorizationDetails !== undefined,
  });
  const claims = checkedTokenClaims(
    await callCallback('tokenClaims', () => (rules.tokenClaims ?? callerClaims)(idJag, resource)),
  );
  return {
    resourceOptions,
    scopes,
    ...(authorizationDetails !== undefined && { authorizationDetails }),
    claims,
    expiresInSeconds: resourceOptions.accessTokenLifetimeSeconds ?? DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS,
    ...(dpopThumbprint !== undefined && { dpopThumbprint }),
  };
}

/** The body of the token response (RFC 6749 section 5.1; RFC 9396 section 7; `resource` is from revision 05 of the draft). */
export function tokenResponseBody(redemption: Redemption, accessToken: string): Record<string, unknown> {
  const { scopes, authorizationDetails } = redemption;
  return {
    access_token: accessToken,
    token_type: redemption.dpopThumbprint === undefined ? 'Bearer' : 'DPoP',
    expires_in: redemption.expiresInSeconds,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    resource: redemption.resource,
    ...(authorizationDetails !== undefined && { authorization_details: authorizationDetails }),
  };
}

async function verifyAssertion(request: RedemptionRequest, rules: RedemptionRules, audience: string): Promise<IdJag> {
  const { assertion, clientId, dpopThumbprint } = request;
  const { issuers, clockToleranceSeconds, maxLifetimeSeconds, now, fetch } = rules;
  return refuseForIdJagError(async () =>
    checkIdJag(assertion, {
      issuers,
      audience,
      clientId,
      audienceTenant: await tenantOf(clientId, rules),
      resources: Object.keys(rules.resources),
      dpopThumbprint,
      clockToleranceSeconds,
      maxLifetimeSeconds,
      now,
      fetch,
    }),
  );
}

/** The client's tenant; undefined without `tenantOfClient`. Throws IdJagError if the client belongs to no tenant. */
async function tenantOf(clientId: string, { tenantOfClient }: RedemptionRules): Promise<string | undefined> {
  if (tenantOfClient === undefined) return undefined;
  const tenant: unknown = await callCallback('tenantOfClient', () => tenantOfClient(clientId));
  if (tenant === undefined || tenant === null) {
    throw new IdJagError('wrong_audience_tenant', 'the client belongs to no tenant');
  }
  if (typeof tenant === 'string' && tenant !== '') return tenant;
  throw serverFailure('tenantOfClient returned a value that is not a tenant');
}

async function subjectScopes(
  idJag: IdJag,
  resource: string,
  { scopesFor }: RedemptionRules,
): Promise<readonly string[] | undefined> {
  if (scopesFor === undefined) return undefined;
  if (typeof scopesFor !== 'function') return scopesByRules(scopesFor, idJag, resource);
  const scopes: unknown = await callCallback('scopesFor', () => scopesFor(idJag, resource));
  if (!isStringList(scopes)) throw serverFailure('scopesFor returned no list of scopes');
  return scopes;
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

async function markGrantUsed(request: RedemptionRequest, rules: RedemptionRules, idJag: IdJag): Promise<void> {
  const { replay, clockToleranceSeconds: toleranceSeconds = DEFAULT_CLOCK_TOLERANCE_SECONDS, now } = rules;
  // The proof first, so that a request with a used proof does not use up the ID-JAG.
  await request.markProofUsed();
  if (typeof replay === 'object') {
    await refuseForIdJagError(async () => reserveOnce(idJag, replay.singleUse, { toleranceSeconds, now }));
  }
}

/** Throws an IdJagRefusal instead of an IdJagError. */
async function refuseForIdJagError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof IdJagError ? new IdJagRefusal(error) : error;
  }
}
