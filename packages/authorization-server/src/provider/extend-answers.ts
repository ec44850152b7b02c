import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * Calls `extend` with the JSON body of each successful response of one of the provider's routes, and sends the body that
 * `extend` returns.
 */
export function extendAnswers(
  provider: Provider,
  route: 'discovery' | 'jwks' | 'token',
  extend: (
    body: Readonly<Record<string, unknown>>,
    ctx: KoaContextWithOIDC,
  ) => Record<string, unknown> | Promise<Record<string, unknown>>,
): void {
  provider.use(async (ctx, next) => {
    await next();
    // The provider sets `oidc` in the context of its own routes only.
    const { oidc } = ctx as Partial<KoaContextWithOIDC>;
    const body: unknown = ctx.body;
    if (oidc?.route !== route || ctx.status !== 200 || typeof body !== 'object' || body === null) return;
    const { type } = ctx.response;
    ctx.body = await extend({ ...body }, ctx as KoaContextWithOIDC);
    ctx.type = type;
  });
}
