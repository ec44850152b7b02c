import { GRANT_JWT_BEARER, GRANT_JWT_DPOP, GRANT_PROFILE_ID_JAG } from '@credence/core';
import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import { IdJagError } from '../id-jag/error.ts';
import { reserveOnce } from '../id-jag/replay.ts';
import type { IdJag } from '../id-jag/types.ts';
import { checkIdJag, DEFAULT_CLOCK_TOLERANCE_SECONDS } from '../id-jag/verify.ts';
import { registerAuditedGrant } from '../provider/audited-grant.ts';
import { extendAnswers, withEntries } from '../provider/extend-answers.ts';
import { parameterList, requiredParameter, scopeParameter } from '../provider/parameters.ts';
import type { ProviderInternals } from '../provider/provider-internals.ts';
import { GrantRefusal } from '../provider/refusal.ts';
import { issueAccessToken } from './access-token.ts';
import type { RedeemDraft } from './audit.ts';
import { checkRedeemOptions, type RedeemIdJagOptions } from './options.ts';
import { chooseResource } from './resource.ts';
import { grantedScopes } from './scopes.ts';

/**
 * Makes an oidc-provider an authorization server that redeems ID-JAGs
 * (draft-ietf-oauth-identity-assertion-authz-grant, RFC 7523).
 *
 * Adds the grant `urn:ietf:params:oauth:grant-type:jwt-bearer`, and `...:jwt-dpop` where the provider has DPoP
 * enabled, and advertises the grant profile. A client still needs the grant among its `grant_types`. Client
 * authentication, DPoP, revocation and introspection are the provider's. No refresh token is issued: the ID-JAG takes
 * its place.
 *
 * Call it once, before the provider serves requests. Throws a TypeError where the options cannot be meant.
 */
export function redeemIdJag(provider: Provider, options: RedeemIdJagOptions): void {
  checkRedeemOptions(options, provider.issuer);
  const now = options.now ?? (() => new Date());

  registerAuditedGrant<RedeemDraft>(provider, {
    grantTypes: [GRANT_JWT_BEARER, GRANT_JWT_DPOP],
    parameters: ['assertion', 'scope', 'resource'],
    repeatable: ['resource'],
    newDraft: () => ({}),
    handle: (ctx, draft, internals) => redeem(provider, options, ctx, draft, internals),
    granted: (draft) => options.audit?.({ ...draft, time: now(), granted: true }),
    refused: (draft, refusal) => {
      const { grantedScopes: _none, ...known } = draft;
      options.audit?.({ ...known, ...refusal, time: now(), granted: false });
    },
  });

  extendAnswers(provider, 'discovery', (body) => {
    const dpop = body['dpop_signing_alg_values_supported'] !== undefined;
    return {
      ...body,
      grant_types_supported: withEntries(body['grant_types_supported'], []).filter(
        (grantType) => dpop || grantType !== GRANT_JWT_DPOP,
      ),
      authorization_grant_profiles_supported: withEntries(body['authorization_grant_profiles_supported'], [
        GRANT_PROFILE_ID_JAG,
      ]),
    };
  });
}

async function redeem(
  provider: Provider,
  options: RedeemIdJagOptions,
  ctx: TokenEndpointGrantContext,
  draft: RedeemDraft,
  internals: ProviderInternals,
): Promise<object> {
  const { client, params } = ctx.oidc;
  draft.clientId = client.clientId;
  if (client.clientAuthMethod === 'none' && options.allowPublicClients !== true) {
    throw new GrantRefusal('unauthorized_client', 'a client must authenticate to redeem an ID-JAG');
  }
  const requested = scopeParameter(params);
  if (requested !== undefined) draft.requestedScopes = requested;

  const proof = await internals.validateDpop(provider, ctx);
  internals.checkDpopRequired(provider, ctx, proof);
  const certificate = internals.checkMtlsCert(provider, ctx);
  if (params.grant_type === GRANT_JWT_DPOP && proof === undefined) {
    throw new GrantRefusal('invalid_grant', 'this grant type needs a DPoP proof');
  }

  const idJag = await verified(provider, options, draft, {
    assertion: requiredParameter(params, 'assertion'),
    clientId: client.clientId,
    dpopThumbprint: proof?.thumbprint,
  });
  draft.issuer = idJag.issuer;
  draft.subject = idJag.subject;
  draft.jti = idJag.jwtId;
  const asked = requested ?? idJag.scopes;
  if (asked !== undefined) draft.requestedScopes = asked;

  const served = Object.keys(options.resources);
  const resource = chooseResource(idJag, parameterList(params, 'resource'), served, options.requireResource ?? false);
  draft.resource = resource;
  const resourceOptions = options.resources[resource];
  if (resourceOptions === undefined) throw new GrantRefusal('invalid_target', 'the resource is not served here');

  const scopes = grantedScopes({
    idJag: idJag.scopes,
    requested,
    resource: resourceOptions.scopes,
    resourceDefault: resourceOptions.defaultScopes ?? [],
    subject: await options.scopesFor?.(idJag, resource),
  });
  const accountId = await linkedAccount(options, idJag);
  draft.accountId = accountId;

  // Only now, when nothing else can refuse the request, are the proof and the ID-JAG spent.
  await internals.checkDpopReplay(provider, ctx, proof, client.clientId);
  await spend(options, draft, idJag);
  const dpopThumbprint = proof?.thumbprint;
  const token = await issueAccessToken({
    provider,
    ctx,
    accountId,
    resource,
    resourceOptions,
    scopes,
    dpopThumbprint,
    certificate,
  });
  draft.grantedScopes = scopes;
  draft.tokenType = token.type;
  return {
    access_token: token.value,
    token_type: token.type,
    expires_in: token.expiresIn,
    scope: scopes.join(' '),
    resource,
  };
}

async function verified(
  provider: Provider,
  options: RedeemIdJagOptions,
  draft: RedeemDraft,
  request: { assertion: string; clientId: string; dpopThumbprint: string | undefined },
): Promise<IdJag> {
  const { assertion, clientId, dpopThumbprint } = request;
  const { issuers, clockToleranceSeconds, maxLifetimeSeconds, now, fetch } = options;
  return refusing(draft, () =>
    checkIdJag(assertion, {
      issuers,
      audience: provider.issuer,
      clientId,
      resources: Object.keys(options.resources),
      dpopThumbprint,
      clockToleranceSeconds,
      maxLifetimeSeconds,
      now,
      fetch,
    }),
  );
}

function spend(options: RedeemIdJagOptions, draft: RedeemDraft, idJag: IdJag): Promise<void> {
  const tolerance = options.clockToleranceSeconds ?? DEFAULT_CLOCK_TOLERANCE_SECONDS;
  return refusing(draft, () => reserveOnce(idJag, options.replay, tolerance));
}

async function refusing<T>(draft: RedeemDraft, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IdJagError)) throw error;
    const { identity } = error;
    if (identity !== undefined) draft.issuer = identity.issuer;
    if (identity?.subject !== undefined) draft.subject = identity.subject;
    if (identity?.jwtId !== undefined) draft.jti = identity.jwtId;
    const detail = error.detail === undefined ? '' : `: ${error.detail}`;
    throw new GrantRefusal(error.oauthError, error.message, `${error.code}${detail}`);
  }
}

async function linkedAccount(options: RedeemIdJagOptions, idJag: IdJag): Promise<string> {
  // An issuer identifier has no fragment (RFC 8414 section 2), so the first # always parts the two.
  if (options.account === undefined) return `${idJag.issuer}#${idJag.subject}`;
  const accountId = await options.account(idJag);
  if (accountId === undefined || accountId === '') {
    throw new GrantRefusal('invalid_grant', 'the subject has no account here');
  }
  return accountId;
}
