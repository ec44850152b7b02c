import {
  type Awaitable,
  callback,
  checkNumber,
  checkShape,
  type FetchLike,
  flag,
  GRANT_TOKEN_EXCHANGE,
  ID_JAG_TYP,
  type SigningAlgorithm,
  TOKEN_TYPE_ID_JAG,
  unchecked,
} from '@credence/protocol';
import { recording, withEntries } from '@credence/authorization-server/internals';
import {
  extendAnswers,
  type ProviderInternals,
  registerAuditedGrant,
} from '@credence/authorization-server/oidc-provider-internals';
import { GrantRefusal } from '@credence/authorization-server';
import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import { z } from 'zod';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { verifyActor } from './actor.ts';
import { grantedRecord, type IssueAuditRecord, type IssueDraft, refusedRecord } from './audit.ts';
import { checkedProvider } from './checked-provider.ts';
import { idJagClaims, oneOrMany } from './claims.ts';
import { decide } from './decision.ts';
import { settleTerms } from './grant.ts';
import type { OidcProviderLike } from './oidc-provider-like.ts';
import type { IdJagPolicy, IdJagRequest } from './policy.ts';
import { principalSubject } from './principal-subject.ts';
import { EXCHANGE_PARAMETERS, type ExchangeRequest, readExchangeRequest } from './request.ts';
import { signingKeysSchema } from './signing-keys-schema.ts';
import { answerChallenges } from './step-up.ts';
import type { SubjectTokenContext, VerifiedSubject } from './subject-tokens/subject-token.ts';
import { checkWorkloadPlatforms, type WorkloadPlatform } from './subject-tokens/workload-platform.ts';

const DEFAULT_LIFETIME_SECONDS = 300;

/** By what an identity provider decides about ID-JAGs, and with what it signs them. */
export interface IdJagExchangeOptions {
  /** Decides every request whose subject token is verified. Where it throws, nothing is issued (`server_error`). */
  readonly policy: IdJagPolicy;
  /** What ID-JAGs are signed with; published at the provider's `jwks_uri` beside the provider's own keys. */
  readonly signingKeys: SigningKeys;
  /** How long an ID-JAG is good, where the policy does not say it, in seconds. Default: 300. */
  readonly lifetimeSeconds?: number | undefined;
  /** The subject identifier of a service principal; it must have one. Default: its client id. */
  readonly subject?: ((clientId: string) => Awaitable<string>) | undefined;
  /**
   * Platforms whose workload JWTs are accepted as subject tokens, by issuer identifier, compared as a string. Their keys
   * are discovered, cached and renewed as those of `verifyIdJag` are. Default: none.
   */
  readonly workloadPlatforms?: Readonly<Record<string, WorkloadPlatform>> | undefined;
  /** For fetching the metadata and key sets of workload platforms. Default: the global one. */
  readonly fetch?: FetchLike | undefined;
  /**
   * Accept clients that do not authenticate: their subject token is all there is then, as for a build that has nothing
   * but its platform's JWT. Default: false.
   */
  readonly allowPublicClients?: boolean | undefined;
  /**
   * Called once for every request of the grant, and awaited before it is answered, for ten seconds at most. Where it
   * throws, rejects or takes longer, nothing is issued (`server_error`, which is recorded in its turn); a refusal stays
   * what it is.
   */
  readonly audit?: ((record: IssueAuditRecord) => void) | ((record: IssueAuditRecord) => Promise<void>) | undefined;
  /** The current time. Default: the system's clock. */
  readonly now?: (() => Date) | undefined;
}

const optionsSchema = z.strictObject({
  policy: callback,
  signingKeys: signingKeysSchema,
  lifetimeSeconds: unchecked,
  subject: callback.optional(),
  workloadPlatforms: z.record(z.string(), z.unknown()).optional(),
  fetch: callback.optional(),
  allowPublicClients: flag,
  audit: callback.optional(),
  now: callback.optional(),
});

/**
 * Makes an oidc-provider an identity provider that issues ID-JAGs by token exchange
 * (draft-ietf-oauth-identity-assertion-authz-grant, RFC 8693).
 *
 * Subject tokens: the principal's own access token from `client_credentials` (opaque), ID tokens and refresh tokens
 * issued here to the calling client, and workload JWTs of registered platforms. An ID-JAG is none of them, and no access
 * token is ever issued for one. A client still needs `urn:ietf:params:oauth:grant-type:token-exchange` among its
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
  checkShape('addIdJagExchange', optionsSchema, options);
  checkNumber('addIdJagExchange', 'lifetimeSeconds', options.lifetimeSeconds, { min: 1, integer: true });
  checkWorkloadPlatforms(options.workloadPlatforms ?? {}, provider.issuer);
  const now = options.now ?? (() => new Date());

  registerAuditedGrant<IssueDraft>(provider, {
    grantTypes: [GRANT_TOKEN_EXCHANGE],
    parameters: EXCHANGE_PARAMETERS,
    repeatable: ['audience', 'resource'],
    ownParameter: 'subject_token',
    newDraft: () => ({ status: 'refused_by_provider' }),
    handle: (ctx, draft, internals) => exchange(provider, options, now(), ctx, draft, internals),
    granted: (draft) => recording(() => options.audit?.(grantedRecord(draft, now()))),
    refused: (draft, refusal) => recording(() => options.audit?.(refusedRecord(draft, refusal, now()))),
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

async function exchange(
  provider: Provider,
  options: IdJagExchangeOptions,
  now: Date,
  ctx: TokenEndpointGrantContext,
  draft: IssueDraft,
  internals: ProviderInternals,
): Promise<object> {
  const { client, params } = ctx.oidc;
  draft.clientId = client.clientId;
  draft.status = 'malformed_request';
  const asked = readExchangeRequest(params, draft);
  draft.status = 'client_not_allowed';
  if (client.clientAuthMethod === 'none' && options.allowPublicClients !== true) {
    throw new GrantRefusal('unauthorized_client', 'a client must authenticate to be issued an ID-JAG');
  }
  draft.status = 'proof_refused';
  const proof = await internals.validateDpop(provider, ctx);
  internals.checkDpopRequired(provider, ctx, proof);
  await internals.checkDpopReplay(provider, ctx, proof, client.clientId);

  const context: SubjectTokenContext = {
    provider,
    ctx,
    internals,
    client,
    signingKeys: options.signingKeys,
    dpopThumbprint: proof?.thumbprint,
    principalSubject: (clientId) => principalSubject(options.subject, clientId),
    workloadPlatforms: options.workloadPlatforms ?? {},
    fetch: options.fetch,
    now,
  };
  const { subject, actor } = await verifyTokens(asked, context, draft);
  const request: IdJagRequest = {
    ...subject,
    subjectTokenType: asked.subjectTokenType,
    ...(actor !== undefined && { actor }),
    clientId: client.clientId,
    audience: asked.audience,
    resources: asked.resources,
    scopes: asked.scopes,
    ...(asked.authorizationDetails !== undefined && { authorizationDetails: asked.authorizationDetails }),
    ...(proof !== undefined && { dpopThumbprint: proof.thumbprint }),
  };
  draft.status = 'denied_by_policy';
  const grant = await decide(options.policy, request, ctx, draft);
  const terms = settleTerms(request, grant, {
    lifetimeSeconds: options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS,
    issuer: provider.issuer,
  });

  draft.status = 'no_signing_key';
  checkAlgorithm(options.signingKeys, grant.algorithm);
  const claims = idJagClaims(provider.issuer, terms, { request, grant, now });
  const assertion = await options.signingKeys.sign(claims, { typ: ID_JAG_TYP, algorithm: grant.algorithm });
  if (terms.subject !== request.subject) draft.issuedSubject = terms.subject;
  draft.audience = terms.audience;
  draft.resource = terms.resources;
  if (terms.scopes !== undefined) draft.grantedScopes = terms.scopes;
  if (claims.jti !== undefined) draft.jti = claims.jti;
  draft.expiresAt = new Date(Math.floor(now.getTime() / 1000 + terms.lifetimeSeconds) * 1000);
  draft.bound = proof !== undefined;
  if (grant.reason !== undefined) draft.reason = grant.reason;
  const resource = oneOrMany(terms.resources);
  return {
    access_token: assertion,
    issued_token_type: TOKEN_TYPE_ID_JAG,
    token_type: 'N_A',
    expires_in: terms.lifetimeSeconds,
    ...(terms.scopes !== undefined && { scope: terms.scopes.join(' ') }),
    ...(resource !== undefined && { resource }),
    ...(grant.authorizationDetails !== undefined && { authorization_details: grant.authorizationDetails }),
  };
}

/** Who asks, and who acts for them. */
async function verifyTokens(
  asked: ExchangeRequest,
  context: SubjectTokenContext,
  draft: IssueDraft,
): Promise<{ subject: VerifiedSubject; actor: IdJagRequest['actor'] | undefined }> {
  try {
    draft.status = 'subject_token_refused';
    const subject = await asked.verifySubjectToken(asked.subjectToken, context);
    draft.subject = subject.subject;
    if (subject.workload !== undefined) draft.workload = subject.workload;
    if (asked.actorToken === undefined) return { subject, actor: undefined };
    draft.status = 'actor_token_refused';
    const actor = await verifyActor(asked.actorToken, subject, context);
    draft.actor = actor.subject;
    return { subject, actor };
  } catch (error) {
    if (error instanceof GrantRefusal && error.error === 'temporarily_unavailable') draft.status = 'keys_unavailable';
    throw error;
  }
}

/** RFC 8693 section 2.2.2: `invalid_target` where the IdP is unable to issue a token for the target. */
function checkAlgorithm(signingKeys: SigningKeys, algorithm: SigningAlgorithm | undefined): void {
  const { algorithms } = signingKeys;
  if (algorithm === undefined || algorithms.includes(algorithm)) return;
  throw new GrantRefusal(
    'invalid_target',
    'this identity provider cannot sign for the target',
    `the target wants ${algorithm} and there is no signing key for it; there are keys for ${algorithms.join(', ')}`,
  );
}
