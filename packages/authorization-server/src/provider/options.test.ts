import { describe, expect, it } from '@jest/globals';
import { Provider } from '../../../../test/support/oidc-provider.ts';
import { OPAQUE_RESOURCE } from '../../../../test/support/roles/world.ts';
import type { IdJagGrantOptions } from '../redeem/options.ts';
import { addIdJagGrant } from './add-id-jag-grant.ts';

describe('addIdJagGrant throws a TypeError for', () => {
  const resources = { [OPAQUE_RESOURCE]: { scopes: ['a'] } };
  const issuers = { 'https://idp.example': {} };
  const given = (options: object): IdJagGrantOptions => ({ issuers, resources, ...options });
  const resource = (rules: object) => given({ resources: { [OPAQUE_RESOURCE]: { scopes: [], ...rules } } });
  it.each<[string, IdJagGrantOptions, string | RegExp]>([
    ['no issuer', { issuers: {}, resources }, 'issuers is empty'],
    ['the server itself as issuer', { issuers: { 'https://as.example': {} }, resources }, 'trusted issuer of itself'],
    [
      'an issuer with plain http',
      { issuers: { 'http://idp.example': {} }, resources },
      'neither https nor on loopback',
    ],
    ['no resource', { issuers, resources: {} }, /is empty[^]*resources/u],
    ['a relative resource', { issuers, resources: { mcp: { scopes: [] } } }, 'absolute URI'],
    ['a lifetime of 0', resource({ accessTokenLifetimeSeconds: 0 }), 'accessTokenLifetimeSeconds'],
    [
      'NaN as accessTokenLifetimeSeconds',
      resource({ accessTokenLifetimeSeconds: Number(undefined) }),
      'accessTokenLifetimeSeconds',
    ],
    ['a string as scopes', resource({ scopes: 'issues:read issues:write' }), 'expected array'],
    ['two scopes in one entry of scopes', resource({ scopes: ['issues:read issues:write'] }), 'is not a scope'],
    [
      'a string as defaultScopes',
      resource({ scopes: ['issues:read'], defaultScopes: 'issues:read' }),
      'expected array',
    ],
    [
      'a string as authorizationDetailsTypes',
      resource({ authorizationDetailsTypes: 'payment_initiation' }),
      'expected array',
    ],
    ['a misspelt member of a resource', resource({ requireDPoP: true }), 'requireDPoP'],
    ['a string as scopesFor', given({ scopesFor: 'issues:read' }), 'neither a table nor a function'],
    ['a string as account', given({ account: 'account-7' }), 'is not a function'],
    ['a misspelt option', given({ requireResorce: true }), 'requireResorce'],
    ['a Date as now', given({ now: new Date() }), 'is not a function'],
    ['null as scopesFor', given({ scopesFor: null }), 'neither a table nor a function'],
    ['NaN as clockToleranceSeconds', given({ clockToleranceSeconds: Number(undefined) }), 'clockToleranceSeconds'],
    [
      'a default scope that is not in scopes',
      { issuers, resources: { [OPAQUE_RESOURCE]: { scopes: [], defaultScopes: ['x'] } } },
      'defaultScopes',
    ],
  ])('%s', (_name, options, message) => {
    const provider = new Provider('https://as.example');
    expect(() => addIdJagGrant(provider, options)).toThrow(message);
  });
});
