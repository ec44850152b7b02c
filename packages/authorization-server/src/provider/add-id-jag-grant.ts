import { checkShape, GRANT_JWT_BEARER, GRANT_JWT_DPOP, GRANT_PROFILE_ID_JAG } from '@credence/protocol';
import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import { callAudit } from '../grant/callback.ts';
import { withEntries } from '../grant/metadata.ts';
import { parameterList, requiredParameter, scopeParameter } from '../grant/parameters.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { type GrantResult, registerAuditedGrant } from './audited-grant.ts';
import { extendAnswers } from './extend-answers.ts';
import { describeMachineProvider } from './machine-metadata.ts';
import type { ProviderInternals } from './provider-internals.ts';
import { issueAccessToken } from './access-token.ts';
import { type GrantFacts, grantedRecord, refusedRecord, type RequestFacts } from '../redeem/audit.ts';
import { checkRedemptionRules, idJagGrantSchema, type IdJagGrantOptions } from '../redeem/options.ts';
import { decideRedemption, type RedemptionRequest, tokenResponseBody } from '../redeem/redemption.ts';
import { redemptionSteps } from '../redeem/steps.ts';

const { step } = redemptionSteps;

/**
 * Makes an oidc-provider an authorization server that redeems ID-JAGs
 * (draft-ietf-oauth-identity-assertion-authz-grant, RFC 7523).
 *
 * Adds the grant `urn:ietf:params:oauth:grant-type:jwt-bearer`, and `...:jwt-dpop` if DPoP is enabled in the provider, and
 * adds the grant profile to the metadata. A client also needs the grant type in its `grant_types`. The provider itself
 * does client authentication, DPoP, revocation and introspection. No refresh token is issued: the client uses its ID-JAG
 * again instead, or requests a new one.
 *
 * Call it once, before the provider serves requests. Throws a TypeError for invalid options.
 *
 * @example
 * <!-- from examples/support/authorization-server.ts#redeem -->
 * ```ts
 * addIdJagGrant(provider, {
 *   issuers: { [idpIssuer]: {} }, // keys by discovery; or set jwksUri or jwks
 *   resources: { [resource]: { scopes: ['issues:read', 'issues:write'] } },
 *   scopesFor: [
 *     { group: 'engineering', scopes: ['issues:read', 'issues:write'] },
 *     { role: 'auditor', scopes: ['issues:read'] },
 *   ],
 *   audit: (record) => trail.push(record),
 * });
 * ```
 */
export function addIdJagGrant(provider: Provider, options: IdJagGrantOptions): void {
  checkShape('addIdJagGrant', idJagGrantSchema, options);
  checkRedemptionRules('addIdJagGrant', options, provider.issuer);
  const now = options.now ?? (() => new Date());

  registerAuditedGrant<RequestFacts, GrantFacts>(provider, {
    grantTypes: [GRANT_JWT_BEARER, GRANT_JWT_DPOP],
    parameters: ['assertion', 'scope', 'resource'],
    repeatable: ['resource'],
    ownParameter: 'assertion',
    initialFacts: {},
    steps: redemptionSteps,
    handle: async (ctx, internals) => redeem(provider, options, ctx, internals),
    recordGrant: async ({ requestFacts, grantFacts }) =>
      callAudit(() => options.audit?.(grantedRecord(requestFacts, grantFacts, now()))),
    recordRefusal: async (facts, refusal) => callAudit(() => options.audit?.(refusedRecord(facts, refusal, now()))),
    revoke: async ({ oidc }) => oidc.entities.AccessToken?.destroy(),
  });

  describeMachineProvider(provider);
  extendAnswers(provider, 'discovery', (body) => {
    const isDpopEnabled = body['dpop_signing_alg_values_supported'] !== undefined;
    return {
      ...body,
      grant_types_supported: withEntries(body['grant_types_supported'], []).filter(
        (grantType) => isDpopEnabled || grantType !== GRANT_JWT_DPOP,
      ),
      authorization_grant_profiles_supported: withEntries(body['authorization_grant_profiles_supported'], [
        GRANT_PROFILE_ID_JAG,
      ]),
    };
  });
}

async function redeem(
  provider: Provider,
  options: IdJagGrantOptions,
  ctx: TokenEndpointGrantContext,
  internals: ProviderInternals,
): Promise<GrantResult<RequestFacts, GrantFacts>> {
  const { clientId } = ctx.oidc.client;
  const { request, certificate } = await step({ clientId }, async () => readRequest(provider, options, ctx, internals));
  const { redemption, requestFacts, grantFacts } = await decideRedemption(request, options, provider.issuer, {
    clientId,
  });
  const accessToken = await step(requestFacts, async () => issueAccessToken(provider, ctx, redemption, certificate));
  return { body: tokenResponseBody(redemption, accessToken), requestFacts, grantFacts };
}

async function readRequest(
  provider: Provider,
  options: IdJagGrantOptions,
  ctx: TokenEndpointGrantContext,
  internals: ProviderInternals,
): Promise<{ request: RedemptionRequest; certificate: ReturnType<ProviderInternals['checkMtlsCert']> }> {
  const { client, params } = ctx.oidc;
  if (client.clientAuthMethod === 'none' && options.allowPublicClients !== true) {
    throw new GrantRefusal('unauthorized_client', 'a client must authenticate to redeem an ID-JAG');
  }
  const proof = await internals.validateDpop(provider, ctx);
  internals.checkDpopRequired(provider, ctx, proof);
  const certificate = internals.checkMtlsCert(provider, ctx);
  if (params.grant_type === GRANT_JWT_DPOP && proof === undefined) {
    throw new GrantRefusal('invalid_grant', 'this grant type needs a DPoP proof');
  }
  const request = {
    assertion: requiredParameter(params, 'assertion'),
    clientId: client.clientId,
    scopes: scopeParameter(params),
    resources: parameterList(params, 'resource'),
    dpopThumbprint: proof?.thumbprint,
    markProofUsed: () => internals.checkDpopReplay(provider, ctx, proof, client.clientId),
  };
  return { request, certificate };
}
