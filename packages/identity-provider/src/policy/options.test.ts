import { describe, expect, it } from '@jest/globals';
import { tableOptions } from '../../../../test/support/roles/policy.ts';
import { policyTable } from './policy-table.ts';

describe('policyTable', () => {
  const { servers, principals } = tableOptions;
  it.each<[string, object, string]>([
    ['a grant at an unknown server', { principals: { bot: { grants: { isues: [] } } } }, 'no server "isues"'],
    ['a grant of an unknown scope', { principals: { bot: { grants: { wiki: ['wiki:raed'] } } } }, 'wiki:raed'],
    ['an unknown scope withheld', { principals: { bot: { withheld: { wiki: ['wiki:raed'] } } } }, 'wiki:raed'],
    ['an explainDenials that is not a function or boolean', { explainDenials: 'yes' }, 'explainDenials'],
    ['an unknown group', { principals: { bot: { groups: ['readres'] } } }, 'no group "readres"'],
    ['a client of two principals', { principals: { a: { clients: ['x'] }, b: { clients: ['x'] } } }, 'the client x'],
    [
      'a client with the name of another principal',
      { principals: { a: { clients: ['b'] }, b: { clients: ['a1'] } } },
      'client of a',
    ],
    ['a principal and a user with the same name', { users: { bot: {} } }, 'bot names more than one'],
    ['a group and a user with the same name', { users: { readers: {} } }, 'readers names more than one'],
    [
      'two servers with the same issuer and resource',
      { servers: { ...servers, twin: servers.wiki } },
      'the same resource',
    ],
    ['a misspelt option', { servers: { wiki: { ...servers.wiki, pause: true } }, principals: {} }, 'pause'],
    ['a resource that is not a URI', { servers: { wiki: { ...servers.wiki, resource: 'wiki' } } }, 'absolute URI'],
    ['a lifetime of zero', { servers: { wiki: { ...servers.wiki, maxLifetimeSeconds: 0 } } }, 'maxLifetime'],
    ['a scope with a space', { servers: { wiki: { ...servers.wiki, scopes: ['a b'] } } }, 'is not a scope'],
    [
      'pairwise subjects without a secret',
      { servers: { ...servers, wiki: { ...servers.wiki, subjects: 'pairwise' } } },
      'Secret',
    ],
    [
      'a userAuthentication without requirements',
      { servers: { wiki: { ...servers.wiki, userAuthentication: {} } } },
      'requires nothing',
    ],
    [
      'an empty list of acrValues',
      { servers: { wiki: { ...servers.wiki, userAuthentication: { acrValues: [] } } } },
      'acr',
    ],
    ['an empty list of amr', { servers: { wiki: { ...servers.wiki, userAuthentication: { amr: [] } } } }, 'amr'],
    ['a short secret', { pairwiseSecret: 'hunter2' }, 'less than 32 bytes'],
    [
      'an enabled scope that the server does not have',
      { servers: { ...servers, wiki: { ...servers.wiki, enabledScopes: ['x'] } } },
      'x',
    ],
  ])('refuses options with %s', (_name, changes, message) => {
    const make = () => policyTable({ ...tableOptions, servers, principals, ...changes });
    expect(make).toThrow(expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(message) }));
    expect(make).not.toThrow(expect.objectContaining({ message: expect.stringContaining('hunter2') }));
  });
});
