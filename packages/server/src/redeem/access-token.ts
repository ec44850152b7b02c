import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import type { ProviderInternals } from '../provider/provider-internals.ts';
import { DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS, type ResourceOptions } from './options.ts';

export interface AccessTokenInput {
  readonly provider: Provider;
  readonly ctx: TokenEndpointGrantContext;
  readonly accountId: string;
  readonly resource: string;
  readonly resourceOptions: ResourceOptions;
  readonly scopes: readonly string[];
  readonly dpopThumbprint: string | undefined;
  readonly certificate: ReturnType<ProviderInternals['checkMtlsCert']>;
}

export interface IssuedAccessToken {
  readonly value: string;
  readonly type: 'Bearer' | 'DPoP';
  readonly expiresIn: number;
}

/** An access token of the provider's own kind, so that its revocation and introspection endpoints know it. */
export async function issueAccessToken(input: AccessTokenInput): Promise<IssuedAccessToken> {
  const { provider, ctx, resource, resourceOptions } = input;
  const expiresIn = resourceOptions.accessTokenLifetimeSeconds ?? DEFAULT_ACCESS_TOKEN_LIFETIME_SECONDS;
  const { accessTokenAlgorithm: alg } = resourceOptions;
  const resourceServer = new provider.ResourceServer(resource, {
    scope: resourceOptions.scopes.join(' '),
    audience: resource,
    accessTokenFormat: resourceOptions.accessTokenFormat ?? 'opaque',
    ...(alg !== undefined && { jwt: { sign: { alg } } }),
  });
  const token = new provider.AccessToken({
    client: ctx.oidc.client,
    accountId: input.accountId,
    // There is no consent of a user to hang the token on: the ID-JAG takes its place.
    grantId: '',
    gty: 'id-jag',
    scope: input.scopes.join(' '),
    resourceServer,
    expiresIn,
  });
  if (input.certificate !== undefined) token.setThumbprint('x5t', input.certificate);
  if (input.dpopThumbprint !== undefined) token.setThumbprint('jkt', input.dpopThumbprint);
  ctx.oidc.entity('AccessToken', token);
  const value = await token.save();
  return { value, type: input.dpopThumbprint === undefined ? 'Bearer' : 'DPoP', expiresIn };
}
