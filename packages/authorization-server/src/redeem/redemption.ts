import { type AuthorizationDetail, type IdJag, IdJagError, SCOPE_TOKEN } from '@credence/protocol';
import { calling } from '../grant/callback.ts';
import { GrantRefusal, serverFailure } from '../grant/refusal.ts';
import { reserveOnce } from '../id-jag/replay.ts';
import { checkIdJag, DEFAULT_CLOCK_TOLERANCE_SECONDS } from '../id-jag/verify.ts';
import { accountOf } from './account-of.ts';
import type { RedeemDraft } from './audit.ts';
import { grantedDetails } from './authorization-details.ts';
import { DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS, type RedemptionRules, type ResourceRules } from './options.ts';
import { chooseResource } from './resource.ts';
import { scopesByRules } from './scope-rules.ts';
import { grantedScopes } from './scopes.ts';
import { callerClaims, checkedTokenClaims } from './token-claims.ts';

/** A token request whose client is authenticated and whose DPoP proof, if there is one, is verified. */
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
  readonly spendProof: () => Promise<void>;
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

/**
 * Makes every check of a request, and fills in `draft` for the audit record. It marks the DPoP proof and the ID-JAG as used
 * after all other checks, or before an account is created or linked. Throws GrantRefusal, and the errors of `spendProof`.
 */
export async function decideRedemption<Resource extends ResourceRules>(
  request: RedemptionRequest,
  rules: RedemptionRules<Resource>,
  ownIssuer: string,
  draft: RedeemDraft,
): Promise<Redemption<Resource>> {
  const { clientId, scopes: requested, dpopThumbprint } = request;
  draft.secrets = [request.assertion];
  if (requested?.some((scope) => !SCOPE_TOKEN.test(scope)) === true) {
    throw new GrantRefusal('invalid_scope', 'the scope parameter is malformed');
  }
  if (requested !== undefined) draft.requestedScopes = requested;
  const idJag = await verifyRequest(request, rules, ownIssuer, draft);
  const recordedScopes = requested ?? idJag.scopes;
  if (recordedScopes !== undefined) draft.requestedScopes = recordedScopes;

  const served = Object.keys(rules.resources);
  const resource = chooseResource(idJag, request.resources, served, rules.requireResource ?? false);
  draft.resource = resource;
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
    await calling('tokenClaims', () => (rules.tokenClaims ?? callerClaims)(idJag, resource)),
  );
  const accountId = await accountOf(idJag, rules, () => spendGrant(request, rules, idJag, draft), draft);
  draft.grantedScopes = scopes;
  if (authorizationDetails !== undefined) {
    draft.grantedDetailsTypes = [...new Set(authorizationDetails.map(({ type }) => type))];
  }
  draft.tokenType = dpopThumbprint === undefined ? 'Bearer' : 'DPoP';
  return {
    idJag,
    clientId,
    accountId,
    resource,
    resourceOptions,
    scopes,
    ...(authorizationDetails !== undefined && { authorizationDetails }),
    claims,
    expiresInSeconds: resourceOptions.accessTokenLifetimeSeconds ?? DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS,
    ...(dpopThumbprint !== undefined && { dpopThumbprint }),
  };
}

/** The body of the token response (RFC 6749 section 5.1; RFC 9396 section 7; `resource` is from revision 05 of the draft). */
export function tokenAnswer(redemption: Redemption, accessToken: string): Record<string, unknown> {
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

async function verifyRequest(
  request: RedemptionRequest,
  rules: RedemptionRules,
  audience: string,
  draft: RedeemDraft,
): Promise<IdJag> {
  const { assertion, clientId, dpopThumbprint } = request;
  const { issuers, clockToleranceSeconds, maxLifetimeSeconds, now, fetch } = rules;
  const idJag = await translateIdJagError(draft, async () =>
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
  draft.issuer = idJag.issuer;
  draft.subject = idJag.subject;
  draft.jti = idJag.jwtId;
  if (idJag.tenant !== undefined) draft.tenant = idJag.tenant;
  return idJag;
}

/** The client's tenant; undefined without `tenantOfClient`. Throws IdJagError if the client belongs to no tenant. */
async function tenantOf(clientId: string, { tenantOfClient }: RedemptionRules): Promise<string | undefined> {
  if (tenantOfClient === undefined) return undefined;
  const tenant: unknown = await calling('tenantOfClient', () => tenantOfClient(clientId));
  if (tenant === undefined || tenant === null) {
    throw new IdJagError('wrong_audience_tenant', 'the client belongs to no tenant');
  }
  if (typeof tenant === 'string' && tenant !== '') return tenant;
  throw serverFailure('tenantOfClient returned something else than a tenant');
}

async function subjectScopes(
  idJag: IdJag,
  resource: string,
  { scopesFor }: RedemptionRules,
): Promise<readonly string[] | undefined> {
  if (scopesFor === undefined) return undefined;
  if (typeof scopesFor !== 'function') return scopesByRules(scopesFor, idJag, resource);
  const scopes: unknown = await calling('scopesFor', () => scopesFor(idJag, resource));
  if (!isStringList(scopes)) throw serverFailure('scopesFor returned no list of scopes');
  return scopes;
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

async function spendGrant(
  request: RedemptionRequest,
  rules: RedemptionRules,
  idJag: IdJag,
  draft: RedeemDraft,
): Promise<void> {
  const { replay, clockToleranceSeconds: toleranceSeconds = DEFAULT_CLOCK_TOLERANCE_SECONDS, now } = rules;
  // The proof first, so that a request with a used proof does not use up the ID-JAG.
  await request.spendProof();
  if (typeof replay === 'object') {
    await translateIdJagError(draft, () => reserveOnce(idJag, replay.singleUse, { toleranceSeconds, now }));
  }
}

/** Rethrows an IdJagError as a GrantRefusal, and writes the check and the ID-JAG's identity to `draft`. */
async function translateIdJagError<T>(draft: RedeemDraft, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IdJagError)) throw error;
    const { identity } = error;
    draft.code = error.code;
    if (identity !== undefined) draft.issuer = identity.issuer;
    if (identity?.subject !== undefined) draft.subject = identity.subject;
    if (identity?.jwtId !== undefined) draft.jti = identity.jwtId;
    if (error.code === 'wrong_client' && identity?.clientId !== undefined) draft.intendedClientId = identity.clientId;
    const detail = error.detail === undefined ? '' : `: ${error.detail}`;
    throw new GrantRefusal(error.oauthError, error.message, `${error.code}${detail}`);
  }
}
