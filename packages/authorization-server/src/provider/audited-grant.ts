import { cleanText } from '@credence/protocol';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider';
import type { RefusedRequest } from '../grant/audit-record.ts';
import { presentedClient } from '../grant/client-credentials.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { toProviderError } from './provider-error.ts';
import { type ProviderInternals, providerInternals } from './provider-internals.ts';

/** A grant type for which one audit record is written for each request. */
export interface AuditedGrant<Draft> {
  /** The values of `grant_type` that it handles. */
  readonly grantTypes: readonly string[];
  /** The parameters that its requests may have. */
  readonly parameters: readonly string[];
  /** The parameters that may be repeated. */
  readonly repeatable: readonly string[];
  /** A parameter that only this grant has. A request with this parameter and without `grant_type` is recorded for this grant. */
  readonly ownParameter: string;
  /** Creates an empty draft of a record. */
  readonly newDraft: () => Draft;
  /** Handles a request and fills in the draft. Returns the body of the response, or throws GrantRefusal. */
  readonly handle: (ctx: TokenEndpointGrantContext, draft: Draft, internals: ProviderInternals) => Promise<object>;
  /** Records a grant. Awaited before the response is sent. If it throws or rejects, the request is refused. */
  readonly granted: (draft: Draft) => void | Promise<void>;
  /** Records a refusal. Awaited before the response is sent. If it throws or rejects, the response does not change. */
  readonly refused: (draft: Draft, refusal: RefusedRequest) => void | Promise<void>;
  /** Revokes the token that `handle` issued, if the grant cannot be recorded. */
  readonly withdraw?: (ctx: TokenEndpointGrantContext) => Promise<void>;
}

/**
 * Adds a grant type to an oidc-provider. Each request is recorded once: granted, refused by the handler, or refused by the
 * provider before the handler runs (client authentication, repeated parameters). If a grant cannot be recorded, the request
 * is refused.
 */
export function registerAuditedGrant<Draft>(provider: Provider, grant: AuditedGrant<Draft>): void {
  const drafts = new WeakMap<object, Draft>();
  const recorded = new WeakMap<object, Promise<void>>();

  const handler = async (ctx: TokenEndpointGrantContext) => {
    const draft = grant.newDraft();
    drafts.set(ctx, draft);
    const internals = await providerInternals();
    try {
      ctx.body = await issued(ctx, draft, internals);
    } catch (error) {
      throw error instanceof GrantRefusal ? toProviderError(error, internals.errors) : error;
    }
  };

  const issued = async (ctx: TokenEndpointGrantContext, draft: Draft, internals: ProviderInternals) => {
    const body = await grant.handle(ctx, draft, internals);
    try {
      await grant.granted(draft);
    } catch (error) {
      await grant.withdraw?.(ctx);
      throw error;
    }
    return body;
  };

  const onError = (ctx: KoaContextWithOIDC, error: unknown) => {
    if (ctx.oidc.route !== 'token' || !isForGrant(grant, ctx)) return;
    const draft = drafts.get(ctx);
    const refusal = { ...describe(error), ...(draft === undefined && claimedClient(ctx)) };
    recorded.set(ctx, record(draft ?? grant.newDraft(), refusal));
  };
  const record = async (draft: Draft, refusal: RefusedRequest) => {
    try {
      await grant.refused(draft, refusal);
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

/** Whether a refused request is for this grant. True if its body was too large or unreadable, because it is then unknown. */
function isForGrant(
  { grantTypes, ownParameter }: Pick<AuditedGrant<never>, 'grantTypes' | 'ownParameter'>,
  { oidc: { params, body } }: KoaContextWithOIDC,
): boolean {
  if (params === undefined || body === undefined) return true;
  // The provider removes a repeated parameter from `params`, but not from `body`.
  const named: unknown[] = [body['grant_type'] ?? ''].flat();
  return named.some((each) =>
    each === '' ? body[ownParameter] !== undefined : grantTypes.some((type) => type === each),
  );
}

/** The client id in a request, if it can be read. */
function claimedClient({ headers, oidc }: KoaContextWithOIDC): Pick<RefusedRequest, 'claimedClientId'> {
  if (oidc.client !== undefined) return { claimedClientId: cleanText(oidc.client.clientId) };
  const { authorization } = headers;
  try {
    const client = presentedClient(
      new Headers(authorization === undefined ? {} : { authorization }),
      oidc.params ?? {},
    );
    return { claimedClientId: cleanText(client.clientId) };
  } catch {
    return {};
  }
}

function describe(error: unknown): { error: string; reason: string } {
  if (!(error instanceof Error)) return { error: 'server_error', reason: 'an unexpected failure' };
  const { expose, error: code, error_description: description, error_detail: detail } = error as ProviderErrorShape;
  // The message of an unexpected error can contain secrets, so only its name is recorded.
  if (expose !== true || code === undefined) return { error: 'server_error', reason: cleanText(error.name) };
  return { error: code, reason: cleanText(detail ?? description ?? code) };
}

type ProviderErrorShape = Error & {
  expose?: boolean;
  error?: string;
  error_description?: string;
  error_detail?: string;
};
