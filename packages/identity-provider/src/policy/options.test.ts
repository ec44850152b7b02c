import { describe, expect, it } from '@jest/globals';
import { tableOptions } from '../../../../test/support/roles/policy.ts';
import { policyTable } from './policy-table.ts';

describe('a table that contradicts itself', () => {
  const { servers, principals } = tableOptions;
  it.each<[string, object, string]>([
    ['a grant at an unknown server', { principals: { bot: { grants: { isues: [] } } } }, 'no server "isues"'],
    ['a grant of an unknown scope', { principals: { bot: { grants: { wiki: ['wiki:raed'] } } } }, 'wiki:raed'],
    ['an unknown scope withheld', { principals: { bot: { withheld: { wiki: ['wiki:raed'] } } } }, 'wiki:raed'],
    ['an explanation that is none', { explainDenials: 'yes' }, 'explainDenials'],
    ['an unknown group', { principals: { bot: { groups: ['readres'] } } }, 'no group "readres"'],
    ['a client of two principals', { principals: { a: { clients: ['x'] }, b: { clients: ['x'] } } }, 'the client x'],
    [
      'a client by the name of another',
      { principals: { a: { clients: ['b'] }, b: { clients: ['a1'] } } },
      'client of a',
    ],
    ['a principal and a user of one name', { users: { bot: {} } }, 'bot is a principal, a user or a group'],
    ['a group and a user of one name', { users: { readers: {} } }, 'readers is a principal, a user or a group'],
    ['two servers that are one', { servers: { ...servers, twin: servers.wiki } }, 'the same resource'],
    ['an option that is misspelt', { servers: { wiki: { ...servers.wiki, pause: true } }, principals: {} }, 'pause'],
    ['a resource that is no URI', { servers: { wiki: { ...servers.wiki, resource: 'wiki' } } }, 'absolute URI'],
    ['a lifetime of nothing', { servers: { wiki: { ...servers.wiki, maxLifetimeSeconds: 0 } } }, 'maxLifetime'],
    ['a scope with a space', { servers: { wiki: { ...servers.wiki, scopes: ['a b'] } } }, 'is not a scope'],
    [
      'pairwise without a secret',
      { servers: { ...servers, wiki: { ...servers.wiki, subjects: 'pairwise' } } },
      'Secret',
    ],
    ['a demand that is none', { servers: { wiki: { ...servers.wiki, userAuthentication: {} } } }, 'requires nothing'],
    ['no class that will do', { servers: { wiki: { ...servers.wiki, userAuthentication: { acrValues: [] } } } }, 'acr'],
    ['no method that will do', { servers: { wiki: { ...servers.wiki, userAuthentication: { amr: [] } } } }, 'amr'],
    ['a short secret', { pairwiseSecret: 'hunter2' }, 'less than 32 bytes'],
    [
      'an enabled scope it does not know',
      { servers: { ...servers, wiki: { ...servers.wiki, enabledScopes: ['x'] } } },
      'x',
    ],
  ])('has %s', (_name, changes, message) => {
    const make = () => policyTable({ ...tableOptions, servers, principals, ...changes });
    expect(make).toThrow(expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(message) }));
    expect(make).not.toThrow(expect.objectContaining({ message: expect.stringContaining('hunter2') }));
  });
});
