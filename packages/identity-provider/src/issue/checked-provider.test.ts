import { describe, expect, it } from '@jest/globals';
import { Provider } from '../../../../test/support/oidc-provider.ts';
import { checkedProvider } from './checked-provider.ts';
import type { OidcProviderLike } from './oidc-provider-like.ts';

describe('checkedProvider', () => {
  it('returns the given Provider of oidc-provider', () => {
    const provider = new Provider('https://idp.example');
    provider satisfies OidcProviderLike;
    expect(checkedProvider('addIdJagExchange', provider)).toBe(provider);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a configuration', { issuer: 'https://idp.example' }],
    ['the class Provider', Provider],
  ])('refuses %s', (_name, value) => {
    expect(() => checkedProvider('addIdJagExchange', value as OidcProviderLike)).toThrow(
      new TypeError('addIdJagExchange: provider is not an oidc-provider'),
    );
  });
});
