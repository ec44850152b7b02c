import { cleanText } from '@credence/protocol';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider';
import type { RefusedRequest } from '../grant/audit-record.ts';
import { presentedClient } from '../grant/client-credentials.ts';
import { AuditTimeout } from '../grant/callback.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { type RequestSecrets, requestSecrets } from '../grant/request-secrets.ts';
import type { Steps } from '../grant/steps.ts';
import { toProviderError } from './provider-error.ts';
import { type ProviderInternals, providerInternals } from './provider-internals.ts';

/** The audit record must not contain the credentials of the request, which `registerAuditedGrant` adds to what is known. */
export interface WithSecrets {
  /** The credentials of the request. */
  readonly secrets?: RequestSecrets;
}

/** A grant that `handle` decided to give: the answer, and what its audit record says of the request and of the grant. */
export interface Issued<Known extends WithSecrets, Granted extends object> {
  /** The answer of the token endpoint. */
  readonly body: object;
  /** What the record says of the request, also where the grant cannot be recorded and is not given. */
  readonly known: Known;
  /** What the record says of the grant. */
  readonly granted: Granted;
}

/** A grant of which every request leaves one record. */
export interface AuditedGrant<Known extends WithSecrets, Granted extends object> {
  /** The values of `grant_type` that it answers. */
  readonly grantTypes: readonly string[];
  /** The parameters that its requests may have. */
  readonly parameters: readonly string[];
  /** The parameters that may be repeated. */
  readonly repeatable: readonly string[];
  /** A parameter that only this grant has. A request with this parameter and without `grant_type` is recorded for this grant. */
  readonly ownParameter: string;
  /** What the record says of a request that the provider refused before `handle`. */
  readonly initial: Known;
  /** The steps that `handle` takes. */
  readonly steps: Steps<Known>;
  /** Refuses by throwing GrantRefusal, in a step. */
  readonly handle: (ctx: TokenEndpointGrantContext, internals: ProviderInternals) => Promise<Issued<Known, Granted>>;
  /** Awaited before the answer. Where it throws or rejects, nothing is granted. */
  readonly granted: (issued: Issued<Known, Granted>) => void | Promise<void>;
  /** Awaited before the answer, which stays what it is. `known`: at the step that failed. */
  readonly refused: (known: Known, refusal: RefusedRequest) => void | Promise<void>;
  /** Takes back what `handle` issued, where that cannot be recorded. */
  readonly withdraw?: (ctx: TokenEndpointGrantContext) => Promise<void>;
}

/**
 * Adds a grant type to an oidc-provider. Each request is recorded once: granted, refused by the handler, or refused by the
 * provider before the handler runs (client authentication, repeated parameters). If a grant cannot be recorded, the request
 * is refused.
 */
export function registerAuditedGrant<Known extends WithSecrets, Granted extends object>(
  provider: Provider,
  grant: AuditedGrant<Known, Granted>,
): void {
  /** Of the requests that reached the handler. */
  const knownOf = new WeakMap<object, Known>();
  const recorded = new WeakMap<object, Promise<void>>();
  /** The requests whose grant could not be recorded in time: their response does not wait for another record. */
  const timedOut = new WeakSet<object>();

  const handler = async (ctx: TokenEndpointGrantContext) => {
    knownOf.set(ctx, grant.initial);
    const internals = await providerInternals();
    const thrown = (error: unknown) =>
      error instanceof GrantRefusal ? toProviderError(error, internals.errors) : error;
    const outcome = await grant.steps.settled(grant.initial, async () => grant.handle(ctx, internals));
    knownOf.set(ctx, outcome.ok ? outcome.value.known : outcome.known);
    if (!outcome.ok) throw thrown(outcome.error);
    const { known } = outcome.value;
    try {
      await grant.granted({ ...outcome.value, known: { ...known, secrets: secretsOf(ctx) } });
    } catch (error) {
      if (error instanceof AuditTimeout) timedOut.add(ctx);
      await grant.withdraw?.(ctx);
      throw thrown(error);
    }
    ctx.body = outcome.value.body;
  };

  const onError = (ctx: KoaContextWithOIDC, error: unknown) => {
    if (ctx.oidc.route !== 'token' || !isForGrant(grant, ctx)) return;
    const known = knownOf.get(ctx);
    const refusal = { ...describe(error), ...(known === undefined && claimedClient(ctx)) };
    const written = record({ ...(known ?? grant.initial), secrets: secretsOf(ctx) }, refusal);
    if (!timedOut.has(ctx)) recorded.set(ctx, written);
  };
  const record = async (known: Known, refusal: RefusedRequest) => {
    try {
      await grant.refused(known, refusal);
    } catch {
      // If the audit callback fails, grants are refused (above), and refusals do not change.
    }
  };

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

/** A body that was too large or unreadable may have been a request of any grant. */
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
