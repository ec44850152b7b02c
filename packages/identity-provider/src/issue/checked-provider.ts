import type Provider from 'oidc-provider';
import type { OidcProviderLike } from './oidc-provider-like.ts';

const METHODS = ['registerGrantType', 'use', 'on'] as const;

/** Returns the provider with the types of oidc-provider. Throws a TypeError that begins with `where` for any other value. */
export function checkedProvider(where: string, provider: OidcProviderLike): Provider {
  if (!isProvider(provider)) throw new TypeError(`${where}: provider is not an oidc-provider`);
  return provider;
}

function isProvider(provider: OidcProviderLike): provider is Provider {
  const known: Partial<OidcProviderLike> | null | undefined = provider;
  return typeof known?.issuer === 'string' && METHODS.every((method) => typeof known[method] === 'function');
}
