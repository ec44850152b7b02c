import { GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ID_JAG } from '@credence/protocol';
import { callAudit, withEntries } from '@credence/authorization-server/internals';
import {
  describeMachineProvider,
  extendAnswers,
  registerAuditedGrant,
} from '@credence/authorization-server/oidc-provider-internals';
import { exchangeSteps, grantedRecord, type GrantFacts, refusedRecord, type RequestFacts } from './audit.ts';
import { checkedProvider } from './checked-provider.ts';
import { exchange } from './exchange.ts';
import type { OidcProviderLike } from './oidc-provider-like.ts';
import { checkExchangeOptions, type IdJagExchangeOptions } from './options.ts';
import { EXCHANGE_PARAMETERS } from './request.ts';
import { answerChallenges } from './step-up.ts';

/**
 * Makes an oidc-provider an identity provider that issues ID-JAGs by token exchange
 * (draft-ietf-oauth-identity-assertion-authz-grant, RFC 8693).
 *
 * These subject tokens are accepted: the principal's own opaque access token from `client_credentials`, ID tokens and refresh
 * tokens that this provider issued to the requesting client, and workload JWTs of the platforms in `workloadPlatforms`. An
 * ID-JAG is not accepted as a subject token. The provider issues no access token for an ID-JAG. A client also needs
 * `urn:ietf:params:oauth:grant-type:token-exchange` in its `grant_types`.
 *
 * Call it once, before the provider serves requests. Throws a TypeError for invalid options.
 *
 * @example
 * <!-- from examples/idp-policy.ts#issue -->
 * ```ts
 * const signingKeys = await createSigningKeys({ algorithms: ['ES256', 'EdDSA'] });
 * addIdJagExchange(provider, {
 *   signingKeys,
 *   policy: table.policy, // or your own function
 *   subject: table.subject,
 *   workloadPlatforms: {
 *     'https://ci.acme.example': {
 *       jwks: { keys: [platformPublicKey] }, // optional: discovered by default
 *       workloads: [{ clientId: 'reporting-bot', claims: { sub: 'repo:acme/reports:ref:refs/heads/main' } }],
 *     },
 *   },
 *   audit: (record) => trail.push(record),
 * });
 * ```
 */
export function addIdJagExchange(oidcProvider: OidcProviderLike, options: IdJagExchangeOptions): void {
  const provider = checkedProvider('addIdJagExchange', oidcProvider);
  checkExchangeOptions(options, provider.issuer);
  const now = options.now ?? (() => new Date());

  registerAuditedGrant<RequestFacts, GrantFacts>(provider, {
    grantTypes: [GRANT_TOKEN_EXCHANGE],
    parameters: EXCHANGE_PARAMETERS,
    repeatable: ['audience', 'resource'],
    ownParameter: 'subject_token',
    initialFacts: { status: 'refused_by_provider' },
    steps: exchangeSteps,
    handle: async (ctx, internals) => exchange({ provider, options, now: now(), ctx, internals }),
    recordGrant: async ({ requestFacts, grantFacts }) =>
      callAudit(() => options.audit?.(grantedRecord(requestFacts, grantFacts, now()))),
    recordRefusal: async (facts, refusal) => callAudit(() => options.audit?.(refusedRecord(facts, refusal, now()))),
  });
  answerChallenges(provider);

  extendAnswers(provider, 'jwks', (body) => {
    const keys: unknown[] = Array.isArray(body['keys']) ? body['keys'] : [];
    return { ...body, keys: [...keys, ...options.signingKeys.publicJwks().keys] };
  });
  describeMachineProvider(provider);
  extendAnswers(provider, 'discovery', (body) => ({
    ...body,
    identity_chaining_requested_token_types_supported: withEntries(
      body['identity_chaining_requested_token_types_supported'],
      [TOKEN_TYPE_ID_JAG],
    ),
  }));
}
