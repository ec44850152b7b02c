import { randomUUID } from 'node:crypto';
import { GRANT_TOKEN_EXCHANGE, ID_JAG_TYP, TOKEN_TYPE_ID_JAG } from '@credence/core';
import type { JWTPayload } from 'jose';
import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { SigningKeys } from '../keys/signing-keys.ts';
import { registerAuditedGrant } from '../provider/audited-grant.ts';
import { extendAnswers, withEntries } from '../provider/extend-answers.ts';
import type { ProviderInternals } from '../provider/provider-internals.ts';
import { GrantRefusal } from '../provider/refusal.ts';
import type { IssueAuditRecord, IssueDraft } from './audit.ts';
import { type IdJagTerms, isLifetime, settleTerms } from './grant.ts';
import type { IdJagGrant, IdJagPolicy, IdJagRequest } from './policy.ts';
import { EXCHANGE_PARAMETERS, readExchangeRequest } from './request.ts';

const DEFAULT_LIFETIME_SECONDS = 300;

export interface IssueIdJagOptions {
  /** Decides every request whose subject token is verified. Where it throws, nothing is issued (`server_error`). */
  readonly policy: IdJagPolicy;
  /** What ID-JAGs are signed with; published at the provider's `jwks_uri` beside the provider's own keys. */
  readonly signingKeys: SigningKeys;
  /** Default: 300. */
  readonly lifetimeSeconds?: number | undefined;
  /** The subject identifier of a service principal. Default: its client id. */
  readonly subject?: ((clientId: string) => string | Promise<string>) | undefined;
  /** Accept clients that do not authenticate. Default: false. */
  readonly allowPublicClients?: boolean | undefined;
  /** Called once for every request of the grant, before it is answered. Where it throws, nothing is issued. */
  readonly audit?: ((record: IssueAuditRecord) => void) | undefined;
  readonly now?: (() => Date) | undefined;
}

/**
 * Makes an oidc-provider an identity provider that issues ID-JAGs by token exchange
 * (draft-ietf-oauth-identity-assertion-authz-grant, RFC 8693).
 *
 * Subject tokens: the principal's own access token from `client_credentials` (opaque), and ID tokens issued here to
 * the calling client. A client still needs `urn:ietf:params:oauth:grant-type:token-exchange` among its `grant_types`.
 *
 * Call it once, before the provider serves requests. Throws a TypeError for a lifetime that cannot be meant.
 */
export function issueIdJag(provider: Provider, options: IssueIdJagOptions): void {
  const { signingKeys } = options;
  const now = options.now ?? (() => new Date());
  const { lifetimeSeconds = DEFAULT_LIFETIME_SECONDS } = options;
  if (!isLifetime(lifetimeSeconds)) throw new TypeError('issueIdJag: lifetimeSeconds is not a positive integer');

  registerAuditedGrant<IssueDraft>(provider, {
    grantTypes: [GRANT_TOKEN_EXCHANGE],
    parameters: EXCHANGE_PARAMETERS,
    repeatable: ['audience', 'resource'],
    newDraft: () => ({}),
    handle: (ctx, draft, internals) => exchange(provider, options, now(), ctx, draft, internals),
    granted: (draft) => options.audit?.({ ...draft, time: now(), granted: true }),
    refused: (draft, refusal) => {
      const { grantedScopes: _none, jti: _neither, expiresAt: _nor, ...known } = draft;
      options.audit?.({ ...known, ...refusal, time: now(), granted: false });
    },
  });

  extendAnswers(provider, 'jwks', (body) => {
    const keys: unknown[] = Array.isArray(body['keys']) ? body['keys'] : [];
    return { ...body, keys: [...keys, ...signingKeys.publicJwks().keys] };
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
  options: IssueIdJagOptions,
  now: Date,
  ctx: TokenEndpointGrantContext,
  draft: IssueDraft,
  internals: ProviderInternals,
): Promise<object> {
  const { client, params } = ctx.oidc;
  draft.clientId = client.clientId;
  const asked = readExchangeRequest(params, draft);
  if (client.clientAuthMethod === 'none' && options.allowPublicClients !== true) {
    throw new GrantRefusal('unauthorized_client', 'a client must authenticate to be issued an ID-JAG');
  }
  const proof = await internals.validateDpop(provider, ctx);
  internals.checkDpopRequired(provider, ctx, proof);
  await internals.checkDpopReplay(provider, ctx, proof, client.clientId);

  const subject = await asked.verifySubjectToken(asked.subjectToken, {
    provider,
    client,
    signingKeys: options.signingKeys,
    dpopThumbprint: proof?.thumbprint,
    principalSubject: options.subject ?? ((clientId) => clientId),
    now,
  });
  draft.subject = subject.subject;
  const request: IdJagRequest = {
    ...subject,
    subjectTokenType: asked.subjectTokenType,
    clientId: client.clientId,
    audience: asked.audience,
    resources: asked.resources,
    scopes: asked.scopes,
    ...(asked.authorizationDetails !== undefined && { authorizationDetails: asked.authorizationDetails }),
    ...(proof !== undefined && { dpopThumbprint: proof.thumbprint }),
  };
  const grant = await decide(options.policy, request);
  const terms = settleTerms(request, grant, {
    lifetimeSeconds: options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS,
    issuer: provider.issuer,
  });

  const claims = idJagClaims(provider.issuer, terms, grant, now, proof?.thumbprint);
  const assertion = await options.signingKeys.sign(claims, { typ: ID_JAG_TYP, algorithm: grant.algorithm });
  draft.subject = terms.subject;
  draft.audience = terms.audience;
  if (terms.resources.length > 0) draft.resource = terms.resources;
  if (terms.scopes !== undefined) draft.grantedScopes = terms.scopes;
  if (claims.jti !== undefined) draft.jti = claims.jti;
  draft.expiresAt = new Date(Math.floor(now.getTime() / 1000 + terms.lifetimeSeconds) * 1000);
  draft.bound = proof !== undefined;
  const resource = oneOrMany(terms.resources);
  return {
    access_token: assertion,
    issued_token_type: TOKEN_TYPE_ID_JAG,
    token_type: 'N_A',
    expires_in: terms.lifetimeSeconds,
    ...(terms.scopes !== undefined && { scope: terms.scopes.join(' ') }),
    ...(resource !== undefined && { resource }),
  };
}

async function decide(policy: IdJagPolicy, request: IdJagRequest): Promise<IdJagGrant> {
  const decision = await policy(request);
  if (decision.granted) return decision;
  const description = decision.description ?? 'the policy of this identity provider does not allow it';
  throw new GrantRefusal(decision.error, description, decision.reason);
}

function idJagClaims(
  issuer: string,
  terms: IdJagTerms,
  grant: IdJagGrant,
  now: Date,
  dpopThumbprint: string | undefined,
): JWTPayload {
  const { nbf: _neverLater, ...extra } = grant.claims ?? {};
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
    cnf: dpopThumbprint === undefined ? undefined : { jkt: dpopThumbprint },
  });
}

function oneOrMany(list: readonly string[]): string | readonly string[] | undefined {
  return list.length > 1 ? list : list[0];
}

function withoutUndefined(claims: Record<string, unknown>): JWTPayload {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
