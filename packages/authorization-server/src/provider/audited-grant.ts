import { cleanText } from '@credence/protocol';
import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider';
import type { RefusedRequest } from '../grant/audit-record.ts';
import { presentedClient } from '../grant/client-credentials.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { toProviderError } from './provider-error.ts';
import { type ProviderInternals, providerInternals } from './provider-internals.ts';

/** A grant of which every request leaves one record. */
export interface AuditedGrant<Draft> {
  /** The values of `grant_type` that it answers. */
  readonly grantTypes: readonly string[];
  /** The parameters that its requests may have. */
  readonly parameters: readonly string[];
  /** Those of them that may repeat. */
  readonly repeatable: readonly string[];
  /** A parameter that no other grant has: a request with it that names no grant type is one of these. */
  readonly ownParameter: string;
  /** The record of a request of which nothing is known yet. */
  readonly newDraft: () => Draft;
  /** Fills the draft as it learns, answers by returning the body, refuses by throwing GrantRefusal. */
  readonly handle: (ctx: TokenEndpointGrantContext, draft: Draft, internals: ProviderInternals) => Promise<object>;
  /** Awaited before the answer. Where it throws or rejects, nothing is granted. */
  readonly granted: (draft: Draft) => void | Promise<void>;
  /** Awaited before the answer, which stays what it is. */
  readonly refused: (draft: Draft, refusal: RefusedRequest) => void | Promise<void>;
  /** Takes back what `handle` issued, where that cannot be recorded. */
  readonly withdraw?: (ctx: TokenEndpointGrantContext) => Promise<void>;
}

/**
 * Adds a grant whose every outcome is reported once: granted, refused by the handler, or refused by the provider
 * before the handler ran (client authentication, repeated parameters). A grant that cannot be recorded is not given.
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
    if (ctx.oidc.route !== 'token' || !mayBeOf(grant, ctx)) return;
    const draft = drafts.get(ctx);
    const refusal = { ...describe(error), ...(draft === undefined && claimed(ctx)) };
    recorded.set(ctx, record(draft ?? grant.newDraft(), refusal));
  };
  const record = async (draft: Draft, refusal: RefusedRequest) => {
    try {
      await grant.refused(draft, refusal);
    } catch {
      // An audit callback that fails stops grants (above); a refusal it leaves as it is.
    }
  };

  for (const grantType of grant.grantTypes) {
    provider.registerGrantType(grantType, handler, grant.parameters, grant.repeatable);
  }
  // The provider tells of a refusal by an event, which waits for nobody.
  provider.use(async (ctx, next) => {
    await next();
    await recorded.get(ctx);
  });
  provider.on('grant.error', onError);
  provider.on('server_error', onError);
}

/** A body that was too large or unreadable may have been a request of any grant. */
function mayBeOf(
  { grantTypes, ownParameter }: Pick<AuditedGrant<never>, 'grantTypes' | 'ownParameter'>,
  { oidc: { params, body } }: KoaContextWithOIDC,
): boolean {
  if (params === undefined || body === undefined) return true;
  // Of a repeated parameter nothing is left in `params`.
  const named: unknown[] = [body['grant_type'] ?? ''].flat();
  return named.some((each) =>
    each === '' ? body[ownParameter] !== undefined : grantTypes.some((type) => type === each),
  );
}

/** The client that a request names, where that can be read. */
function claimed({ headers, oidc }: KoaContextWithOIDC): Pick<RefusedRequest, 'claimedClientId'> {
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
  // An unexpected failure's message may hold anything; its name cannot.
  if (expose !== true || code === undefined) return { error: 'server_error', reason: cleanText(error.name) };
  return { error: code, reason: cleanText(detail ?? description ?? code) };
}

type ProviderErrorShape = Error & {
  expose?: boolean;
  error?: string;
  error_description?: string;
  error_detail?: string;
};
