import { cleanText } from '@credence/protocol';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider';
import type { RefusedRequest } from '../grant/audit-record.ts';
import { presentedClient } from '../grant/client-credentials.ts';
import { AuditTimeout } from '../grant/callback.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { type RequestSecrets, requestSecrets } from '../grant/request-secrets.ts';
import type { AuditedSteps } from '../grant/steps.ts';
import { toProviderError } from './provider-error.ts';
import { type ProviderInternals, providerInternals } from './provider-internals.ts';
import { replaceUnusableProofs } from './unusable-proofs.ts';

/** Facts about a request, to which `registerAuditedGrant` adds the credentials that the audit record must not contain. */
export interface WithSecrets {
  /** The credentials of the request. */
  readonly secrets?: RequestSecrets;
}

/** The result of `handle` for a request that is granted: the response body, and the facts for the audit record. */
export interface GrantResult<RequestFacts extends WithSecrets, GrantFacts extends object> {
  /** The body of the token response. */
  readonly body: object;
  /** Facts about the request. The same facts are in the record of the refusal if the grant cannot be recorded. */
  readonly requestFacts: RequestFacts;
  /** Facts about the issued token. */
  readonly grantFacts: GrantFacts;
}

/** A grant type whose requests are recorded, each once. */
export interface AuditedGrant<RequestFacts extends WithSecrets, GrantFacts extends object> {
  /** The values of `grant_type`. */
  readonly grantTypes: readonly string[];
  /** The parameters that a request may have. */
  readonly parameters: readonly string[];
  /** The parameters that may be repeated. */
  readonly repeatable: readonly string[];
  /** A parameter that only this grant has. A request with this parameter and without `grant_type` is recorded for this grant. */
  readonly ownParameter: string;
  /** The facts about a request that the provider refused before `handle`. */
  readonly initialFacts: RequestFacts;
  /** The steps in which `handle` runs. */
  readonly steps: AuditedSteps<RequestFacts>;
  /** Decides a request. Refuses it by throwing GrantRefusal in a step. */
  readonly handle: (
    ctx: TokenEndpointGrantContext,
    internals: ProviderInternals,
  ) => Promise<GrantResult<RequestFacts, GrantFacts>>;
  /** Records a grant. Awaited before the response. If it throws or rejects, the request is refused. */
  readonly recordGrant: (result: GrantResult<RequestFacts, GrantFacts>) => void | Promise<void>;
  /**
   * Records a refusal. The response is sent after the promise settles. If the promise rejects, the response does not change.
   * `facts` are those of the step that failed.
   */
  readonly recordRefusal: (facts: RequestFacts, refusal: RefusedRequest) => void | Promise<void>;
  /** Revokes the token that `handle` issued, if the grant cannot be recorded. */
  readonly revoke?: (ctx: TokenEndpointGrantContext) => Promise<void>;
}

/**
 * Adds a grant type to an oidc-provider. Each request is recorded once: granted, refused by the handler, or refused by the
 * provider before the handler runs (client authentication, repeated parameters). If a grant cannot be recorded, the request
 * is refused.
 */
export function registerAuditedGrant<RequestFacts extends WithSecrets, GrantFacts extends object>(
  provider: Provider,
  grant: AuditedGrant<RequestFacts, GrantFacts>,
): void {
  /** The facts about the requests that reached the handler. */
  const factsOf = new WeakMap<object, RequestFacts>();
  const recorded = new WeakMap<object, Promise<void>>();
  /** The requests whose grant could not be recorded in time: their response does not wait for another record. */
  const timedOut = new WeakSet<object>();

  const handler = async (ctx: TokenEndpointGrantContext) => {
    factsOf.set(ctx, grant.initialFacts);
    const internals = await providerInternals();
    const providerErrorOf = (error: unknown) =>
      error instanceof GrantRefusal ? toProviderError(error, internals.errors) : error;
    const outcome = await grant.steps.run(grant.initialFacts, async () => grant.handle(ctx, internals));
    factsOf.set(ctx, outcome.ok ? outcome.value.requestFacts : outcome.facts);
    if (!outcome.ok) throw providerErrorOf(outcome.error);
    const { requestFacts } = outcome.value;
    try {
      await grant.recordGrant({ ...outcome.value, requestFacts: { ...requestFacts, secrets: secretsOf(ctx) } });
    } catch (error) {
      if (error instanceof AuditTimeout) timedOut.add(ctx);
      await grant.revoke?.(ctx);
      throw providerErrorOf(error);
    }
    ctx.body = outcome.value.body;
  };

  const onError = (ctx: KoaContextWithOIDC, error: unknown) => {
    if (ctx.oidc.route !== 'token' || !isForGrant(grant, ctx)) return;
    const facts = factsOf.get(ctx);
    const refusal = { ...describe(error), ...(facts === undefined && claimedClient(ctx)) };
    const written = record({ ...(facts ?? grant.initialFacts), secrets: secretsOf(ctx) }, refusal);
    if (!timedOut.has(ctx)) recorded.set(ctx, written);
  };
  const record = async (facts: RequestFacts, refusal: RefusedRequest) => {
    try {
      await grant.recordRefusal(facts, refusal);
    } catch {
      // A refusal that cannot be recorded is sent unchanged.
    }
  };

  replaceUnusableProofs(provider);
  for (const grantType of grant.grantTypes) {
    provider.registerGrantType(grantType, handler, grant.parameters, grant.repeatable);
  }
  // The provider reports a refusal by an event and does not wait for listeners. This middleware waits for the record.
  provider.use(async (ctx, next) => {
    await next();
    await recorded.get(ctx);
  });
  provider.on('grant.error', onError);
  provider.on('server_error', onError);
}

/**
 * Whether a request is for this grant. Also true if the body was too large or unreadable, because the grant type is
 * then unknown.
 */
function isForGrant(
  { grantTypes, ownParameter }: { grantTypes: readonly string[]; ownParameter: string },
  { oidc: { params, body } }: KoaContextWithOIDC,
): boolean {
  if (params === undefined || body === undefined) return true;
  // The provider removes a repeated parameter from `params`, but not from `body`.
  const named: unknown[] = [body['grant_type'] ?? ''].flat();
  return named.some((each) =>
    each === '' ? body[ownParameter] !== undefined : grantTypes.some((type) => type === each),
  );
}

/** The provider removes a repeated parameter from `params`, but not from `body`. */
function secretsOf({ headers, oidc: { params, body } }: KoaContextWithOIDC): RequestSecrets {
  const { authorization, dpop } = headers;
  return requestSecrets({ authorization, dpop }, { ...params, ...body });
}

/** The client id in a request, if it can be read. The record of it has no control characters and no credential. */
function claimedClient({ headers, oidc }: KoaContextWithOIDC): Pick<RefusedRequest, 'claimedClientId'> {
  if (oidc.client !== undefined) return { claimedClientId: oidc.client.clientId };
  const { authorization } = headers;
  try {
    const client = presentedClient(
      new Headers(authorization === undefined ? {} : { authorization }),
      oidc.params ?? {},
    );
    return { claimedClientId: client.clientId };
  } catch {
    return {};
  }
}

function describe(error: unknown): { error: string; reason: string } {
  if (!(error instanceof Error)) return { error: 'server_error', reason: 'an unexpected failure' };
  const { expose, error: code, error_description: description, error_detail: detail } = error as ProviderErrorShape;
  // The message of an unexpected error can contain secrets, so only its name is recorded.
  if (expose !== true || code === undefined) return { error: 'server_error', reason: cleanText(error.name) };
  return { error: code, reason: detail ?? description ?? code };
}

type ProviderErrorShape = Error & {
  expose?: boolean;
  error?: string;
  error_description?: string;
  error_detail?: string;
};
