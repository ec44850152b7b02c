import { describe, expect, it } from '@jest/globals';
import { Provider } from '../../../../test/support/oidc-provider.ts';
import { OPAQUE_RESOURCE } from '../../../../test/support/roles/world.ts';
import type { IdJagGrantOptions } from '../redeem/options.ts';
import { addIdJagGrant } from './add-id-jag-grant.ts';

describe('options that cannot be meant', () => {
  const resources = { [OPAQUE_RESOURCE]: { scopes: ['a'] } };
  const issuers = { 'https://idp.example': {} };
  const given = (options: object): IdJagGrantOptions => ({ issuers, resources, ...options });
  const resource = (rules: object) => given({ resources: { [OPAQUE_RESOURCE]: { scopes: [], ...rules } } });
  it.each<[string, IdJagGrantOptions, string | RegExp]>([
    ['no issuer', { issuers: {}, resources }, 'issuers is empty'],
    ['itself as issuer', { issuers: { 'https://as.example': {} }, resources }, 'trusted issuer of itself'],
    ['an issuer on plain http', { issuers: { 'http://idp.example': {} }, resources }, 'neither https nor on loopback'],
    ['no resource', { issuers, resources: {} }, /is empty[^]*resources/u],
    ['a relative resource', { issuers, resources: { mcp: { scopes: [] } } }, 'absolute URI'],
    ['a life of 0', resource({ accessTokenLifetimeSeconds: 0 }), 'accessTokenLifetimeSeconds'],
    [
      'a life that is not set',
      resource({ accessTokenLifetimeSeconds: Number(undefined) }),
      'accessTokenLifetimeSeconds',
    ],
    ['scopes in a text', resource({ scopes: 'issues:read issues:write' }), 'expected array'],
    ['scopes in the text of a list', resource({ scopes: ['issues:read issues:write'] }), 'is not a scope'],
    ['default scopes in a text', resource({ scopes: ['issues:read'], defaultScopes: 'issues:read' }), 'expected array'],
    ['types in a text', resource({ authorizationDetailsTypes: 'payment_initiation' }), 'expected array'],
    ['a misspelt member of a resource', resource({ requireDPoP: true }), 'requireDPoP'],
    ['a table of scopes that is none', given({ scopesFor: 'issues:read' }), 'neither a table nor a function'],
    ['a callback that is none', given({ account: 'account-7' }), 'is not a function'],
    ['a misspelt option', given({ requireResorce: true }), 'requireResorce'],
    ['a clock that is none', given({ now: new Date() }), 'is not a function'],
    ['no table of scopes', given({ scopesFor: null }), 'neither a table nor a function'],
    ['a tolerance that is not set', given({ clockToleranceSeconds: Number(undefined) }), 'clockToleranceSeconds'],
    [
      'a default it does not know',
      { issuers, resources: { [OPAQUE_RESOURCE]: { scopes: [], defaultScopes: ['x'] } } },
      'defaultScopes',
    ],
  ])('%s', (_name, options, message) => {
    const provider = new Provider('https://as.example');
    expect(() => addIdJagGrant(provider, options)).toThrow(message);
  });
});
