import type Provider from 'oidc-provider';
import type { TokenEndpointGrantContext } from 'oidc-provider';
import { serverFailure } from '../grant/refusal.ts';
import { carriesClaims, setClaims } from './extra-token-claims.ts';
import type { ProviderInternals } from './provider-internals.ts';
import type { ResourceOptions } from '../redeem/options.ts';
import type { Redemption } from '../redeem/redemption.ts';

/** Issues an access token of oidc-provider, so that its revocation and introspection endpoints know the token. */
export async function issueAccessToken(
  provider: Provider,
  ctx: TokenEndpointGrantContext,
  redemption: Redemption<ResourceOptions>,
  certificate: ReturnType<ProviderInternals['checkMtlsCert']>,
): Promise<string> {
  const { resource, resourceOptions, authorizationDetails, claims, dpopThumbprint } = redemption;
  const { accessTokenAlgorithm: alg } = resourceOptions;
  const resourceServer = new provider.ResourceServer(resource, {
    scope: resourceOptions.scopes.join(' '),
    audience: resource,
    accessTokenFormat: resourceOptions.accessTokenFormat ?? 'opaque',
    ...(alg !== undefined && { jwt: { sign: { alg } } }),
  });
  const token = new provider.AccessToken({
    client: ctx.oidc.client,
    accountId: redemption.accountId,
    // Empty, because no user gave consent. The ID-JAG takes the place of oidc-provider's grant.
    grantId: '',
    gty: 'id-jag',
    scope: redemption.scopes.join(' '),
    resourceServer,
    expiresIn: redemption.expiresInSeconds,
    ...(authorizationDetails !== undefined && { rar: [...authorizationDetails] }),
  });
  if (certificate !== undefined) token.setThumbprint('x5t', certificate);
  if (dpopThumbprint !== undefined) token.setThumbprint('jkt', dpopThumbprint);
  setClaims(token, claims);
  ctx.oidc.entity('AccessToken', token);
  const value = await token.save();
  if (!carriesClaims(token, claims)) {
    await token.destroy();
    throw serverFailure(
      'the access token lacks its claims: the provider needs extraTokenClaims: idJagTokenClaims in its configuration',
    );
  }
  return value;
}
