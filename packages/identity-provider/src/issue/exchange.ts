import { ID_JAG_TYP, type SigningAlgorithm, TOKEN_TYPE_ID_JAG } from '@credence/protocol';
import type { GrantResult, ProviderInternals } from '@credence/authorization-server/oidc-provider-internals';
import { GrantRefusal } from '@credence/authorization-server';
import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { verifyActor } from './actor.ts';
import { exchangeSteps, type GrantFacts, type RequestFacts } from './audit.ts';
import { idJagClaims, oneOrMany } from './claims.ts';
import { decide, denialRefusal, denialStatus } from './decision.ts';
import { type IdJagTerms, settleTerms } from './grant.ts';
import type { IdJagExchangeOptions } from './options.ts';
import type { IdJagGrant, IdJagRequest } from './policy.ts';
import { principalSubject } from './principal-subject.ts';
import { type ExchangeRequest, factsOfRequest, readExchangeRequest } from './request.ts';
import type { SubjectTokenContext, VerifiedSubject } from './subject-tokens/subject-token.ts';

const DEFAULT_LIFETIME_SECONDS = 300;

const { step, stepError } = exchangeSteps;

/** A token exchange request, after the client was authenticated, and the values that are needed to decide it. */
export interface Exchange {
  readonly provider: Provider;
  readonly options: IdJagExchangeOptions;
  readonly now: Date;
  readonly ctx: TokenEndpointGrantContext;
  readonly internals: ProviderInternals;
}

type Proof = Awaited<ReturnType<ProviderInternals['validateDpop']>>;

/**
 * Reads the request, verifies its tokens, calls the policy and signs the ID-JAG. Throws GrantRefusal or an error of
 * oidc-provider, in a step of {@link exchangeSteps}.
 */
export async function exchange(exchangeContext: Exchange): Promise<GrantResult<RequestFacts, GrantFacts>> {
  const { provider, options, now, ctx } = exchangeContext;
  const { client, params } = ctx.oidc;
  const clientFacts = { clientId: client.clientId, status: 'malformed_request' };
  const parameterFacts = { ...clientFacts, ...(await step(clientFacts, () => factsOfRequest(params))) };
  const parameters = await step(parameterFacts, () => readExchangeRequest(params));
  await step({ ...parameterFacts, status: 'client_not_allowed' }, () => checkClient(exchangeContext));
  const proof = await step({ ...parameterFacts, status: 'proof_refused' }, async () => verifyProof(exchangeContext));

  const tokenContext = subjectTokenContext(exchangeContext, proof);
  const { subject, actor, tokenFacts } = await verifyTokens(
    parameters,
    tokenContext,
    parameterFacts,
    // A client that does not authenticate proves nothing about itself.
    options.actorFromClient === true && client.clientAuthMethod !== 'none',
  );
  const request: IdJagRequest = {
    ...subject,
    subjectTokenType: parameters.subjectTokenType,
    ...(actor !== undefined && { actor }),
    clientId: client.clientId,
    audience: parameters.audience,
    resources: parameters.resources,
    scopes: parameters.scopes,
    ...(parameters.authorizationDetails !== undefined && { authorizationDetails: parameters.authorizationDetails }),
    ...(proof !== undefined && { dpopThumbprint: proof.thumbprint }),
  };
  const policyFacts = { ...tokenFacts, status: 'denied_by_policy' };
  const decision = await step(policyFacts, async () => decide(options.policy, request));
  if (!decision.granted) {
    throw stepError({ ...policyFacts, status: denialStatus(decision) }, denialRefusal(decision, ctx));
  }
  const terms = await step(policyFacts, () =>
    settleTerms(request, decision, {
      lifetimeSeconds: options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS,
      issuer: provider.issuer,
      targets: options.targets,
    }),
  );
  const claims = idJagClaims(provider.issuer, terms, { request, grant: decision, now });
  const assertion = await step({ ...tokenFacts, status: 'no_signing_key' }, async () => {
    checkAlgorithm(options.signingKeys, decision.algorithm);
    return options.signingKeys.sign(claims, { typ: ID_JAG_TYP, algorithm: decision.algorithm });
  });
  return {
    body: tokenResponseBody(assertion, terms, decision),
    requestFacts: { ...tokenFacts, status: 'failed' },
    grantFacts: {
      ...(terms.subject !== request.subject && { issuedSubject: terms.subject }),
      audience: terms.audience,
      resource: terms.resources,
      ...(terms.scopes !== undefined && { grantedScopes: terms.scopes }),
      ...(claims.jti !== undefined && { jti: claims.jti }),
      expiresAt: new Date(Math.floor(now.getTime() / 1000 + terms.lifetimeSeconds) * 1000),
      bound: proof !== undefined,
      ...(decision.reason !== undefined && { reason: decision.reason }),
    },
  };
}

function checkClient({ ctx, options }: Exchange): void {
  if (ctx.oidc.client.clientAuthMethod === 'none' && options.allowPublicClients !== true) {
    throw new GrantRefusal('unauthorized_client', 'a client must authenticate to get an ID-JAG');
  }
}

/** Verifies the DPoP proof and marks it as used; undefined if the request has none. */
async function verifyProof({ provider, ctx, internals }: Exchange): Promise<Proof> {
  const proof = await internals.validateDpop(provider, ctx);
  internals.checkDpopRequired(provider, ctx, proof);
  await internals.checkDpopReplay(provider, ctx, proof, ctx.oidc.client.clientId);
  return proof;
}

function subjectTokenContext({ provider, options, now, ctx, internals }: Exchange, proof: Proof): SubjectTokenContext {
  return {
    provider,
    ctx,
    internals,
    client: ctx.oidc.client,
    signingKeys: options.signingKeys,
    dpopThumbprint: proof?.thumbprint,
    principalSubject: (clientId) => principalSubject(options.subject, clientId),
    workloadPlatforms: options.workloadPlatforms ?? {},
    fetch: options.fetch,
    now,
  };
}

/** Verifies the subject token, and the actor token if there is one. Returns their subjects, which it adds to the facts. */
async function verifyTokens(
  parameters: ExchangeRequest,
  context: SubjectTokenContext,
  facts: RequestFacts,
  actorFromClient: boolean,
): Promise<{ subject: VerifiedSubject; actor: IdJagRequest['actor'] | undefined; tokenFacts: RequestFacts }> {
  const subject = await tokenStep({ ...facts, status: 'subject_token_refused' }, async () =>
    parameters.verifySubjectToken(parameters.subjectToken, context),
  );
  const subjectFacts = {
    ...facts,
    subject: subject.subject,
    ...(subject.workload !== undefined && { workload: subject.workload }),
  };
  const { actorToken } = parameters;
  if (actorToken === undefined && actorFromClient && subject.subjectKind === 'user') {
    const name = await context.principalSubject(context.client.clientId);
    return { subject, actor: { subject: name }, tokenFacts: { ...subjectFacts, actor: name } };
  }
  if (actorToken === undefined) return { subject, actor: undefined, tokenFacts: subjectFacts };
  const actor = await tokenStep({ ...subjectFacts, status: 'actor_token_refused' }, async () =>
    verifyActor(actorToken, subject, context),
  );
  return { subject, actor, tokenFacts: { ...subjectFacts, actor: actor.subject } };
}

/** A step that verifies a token. If the keys to verify it cannot be fetched at the moment, the status is `keys_unavailable`. */
async function tokenStep<T>(facts: RequestFacts, verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (error) {
    const isUnavailable = error instanceof GrantRefusal && error.error === 'temporarily_unavailable';
    throw stepError(isUnavailable ? { ...facts, status: 'keys_unavailable' } : facts, error);
  }
}

/** RFC 8693 section 2.2.2: `invalid_target` if the identity provider cannot issue a token for the target. */
function checkAlgorithm(signingKeys: SigningKeys, algorithm: SigningAlgorithm | undefined): void {
  const { algorithms } = signingKeys;
  if (algorithm === undefined || algorithms.includes(algorithm)) return;
  throw new GrantRefusal(
    'invalid_target',
    'this identity provider cannot sign for the target',
    `the target needs ${algorithm} and there is no signing key for it; there are keys for ${algorithms.join(', ')}`,
  );
}

function tokenResponseBody(assertion: string, terms: IdJagTerms, grant: IdJagGrant): Record<string, unknown> {
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
