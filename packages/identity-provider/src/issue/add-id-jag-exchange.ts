import { GRANT_TOKEN_EXCHANGE, TOKEN_TYPE_ID_JAG } from '@credence/protocol';
import { recording, withEntries } from '@credence/authorization-server/internals';
import { extendAnswers, registerAuditedGrant } from '@credence/authorization-server/oidc-provider-internals';
import { exchangeSteps, grantedRecord, type IssuedFacts, type KnownExchange, refusedRecord } from './audit.ts';
import { checkedProvider } from './checked-provider.ts';
import { exchange } from './exchange.ts';
import type { OidcProviderLike } from './oidc-provider-like.ts';
import { checkExchangeOptions, type IdJagExchangeOptions } from './options.ts';
import { EXCHANGE_PARAMETERS } from './request.ts';
import { answerChallenges } from './step-up.ts';

/**
 * Adds to an oidc-provider the token exchange (RFC 8693) that issues ID-JAGs (draft-ietf-oauth-identity-assertion-authz-grant).
 *
 * Accepted subject tokens: the principal's own opaque access token from `client_credentials`, ID tokens and refresh tokens that
 * the provider issued to the requesting client, and workload JWTs of registered platforms. An ID-JAG is not accepted as a subject
 * token, and no access token is issued for one. A client needs `urn:ietf:params:oauth:grant-type:token-exchange` among its
 * `grant_types`.
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

  registerAuditedGrant<KnownExchange, IssuedFacts>(provider, {
    grantTypes: [GRANT_TOKEN_EXCHANGE],
    parameters: EXCHANGE_PARAMETERS,
    repeatable: ['audience', 'resource'],
    ownParameter: 'subject_token',
    initial: { status: 'refused_by_provider' },
    steps: exchangeSteps,
    handle: async (ctx, internals) => exchange({ provider, options, now: now(), ctx, internals }),
    granted: async ({ known, granted }) => recording(() => options.audit?.(grantedRecord(known, granted, now()))),
    refused: async (known, refusal) => recording(() => options.audit?.(refusedRecord(known, refusal, now()))),
  });
  answerChallenges(provider);

  extendAnswers(provider, 'jwks', (body) => {
    const keys: unknown[] = Array.isArray(body['keys']) ? body['keys'] : [];
    return { ...body, keys: [...keys, ...options.signingKeys.publicJwks().keys] };
  });
  extendAnswers(provider, 'discovery', (body) => ({
    ...body,
    identity_chaining_requested_token_types_supported: withEntries(
      body['identity_chaining_requested_token_types_supported'],
      [TOKEN_TYPE_ID_JAG],
    ),
  }));
}
