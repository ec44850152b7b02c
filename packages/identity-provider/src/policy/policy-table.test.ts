import { beforeEach, describe, expect, it } from '@jest/globals';
import { AS, ISSUES, request, tableOptions, WIKI } from '../../../../test/support/roles/policy.ts';
import type { IdJagDecision, IdJagRequest } from '../issue/policy.ts';
import type { DenialFacts } from './denial-facts.ts';
import { type PolicyTable, policyTable } from './policy-table.ts';

let table: PolicyTable;
beforeEach(() => {
  table = policyTable(tableOptions);
});

const ask = async (changes: Partial<IdJagRequest> = {}): Promise<IdJagDecision> => table.policy(request(changes));
const status = async (changes: Partial<IdJagRequest> = {}): Promise<unknown> => {
  const decision = await ask(changes);
  return decision.granted ? decision.scopes : decision.status;
};

describe('what is granted', () => {
  it('is the default grant where no scope is asked for, as the row of the server says', async () => {
    expect(await ask()).toEqual({
      granted: true,
      clientId: 'bot-at-as',
      scopes: ['issues:read'],
      audience: AS,
      resource: ISSUES,
      subject: 'bot',
      actorSubject: undefined,
      priorAct: undefined,
      algorithm: 'EdDSA',
      maxLifetimeSeconds: 60,
      claims: { department: 'reports' },
      reason: undefined,
    });
  });

  it('is more where more is asked for and held, by itself or by a group', async () => {
    expect(await status({ scopes: ['issues:write', 'issues:read'] })).toEqual(['issues:write', 'issues:read']);
    expect(await status({ resources: [WIKI] })).toEqual(['wiki:read']);
  });

  it('leaves out what is not held or not enabled, and says so', async () => {
    expect(await ask({ scopes: ['issues:read', 'issues:admin', 'issues:delete'] })).toMatchObject({
      granted: true,
      scopes: ['issues:read'],
      reason: 'left out: bot has no grant for issues:delete at issues; issues:admin is not enabled at issues',
    });
  });

  it('comes by default where the principal or one of its groups holds it so', async () => {
    table.addToGroup('bot', 'staff');
    table.grant('staff', 'issues', ['issues:write']);
    expect(await status()).toEqual(['issues:read', 'issues:write']);
    expect(await ask({ scopes: ['none'] })).toMatchObject({
      reason: expect.stringMatching(/it holds: issues:read issues:write issues:admin$/u),
    });
  });

  it('is mapped to the client id that the calling client has there', async () => {
    expect(await ask({ clientId: 'bot-two' })).toMatchObject({ granted: true, clientId: 'bot-two-at-as' });
    expect(await ask({ clientId: 'bot-two', subject: 'bot-two' })).toMatchObject({ subject: 'bot' });
    expect(table.subject('bot-two')).toBe('bot');
    expect(table.subject('unknown')).toBe('unknown');
  });

  it('is the issuer as audience, where the client used another name for it', async () => {
    expect(await ask({ audience: 'urn:acme:issues' })).toMatchObject({ granted: true, audience: AS });
  });

  it('needs no resource where the audience has one server only', async () => {
    expect(await ask({ audience: 'urn:acme:issues', resources: [] })).toMatchObject({ resource: ISSUES });
  });
});

describe('each denial says what an administrator would have to change', () => {
  const user: Partial<IdJagRequest> = { subject: 'alice', subjectKind: 'user', clientId: 'desk' };
  it.each<[string, Partial<IdJagRequest>, string, string, string]>([
    ['an unknown client', { clientId: 'stranger' }, 'principal_unknown', 'access_denied', 'stranger belongs to no'],
    [
      'a client with a name that objects have',
      { clientId: 'constructor' },
      'principal_unknown',
      'access_denied',
      'constructor belongs to no',
    ],
    ['an unknown user', { ...user, subject: 'bob' }, 'principal_unknown', 'access_denied', 'user bob is not in'],
    [
      'a user by the name of a principal',
      { ...user, subject: 'bot' },
      'principal_unknown',
      'access_denied',
      'has the name of a principal',
    ],
    [
      'a user by the name of a client',
      { ...user, subject: 'bot-two' },
      'principal_unknown',
      'access_denied',
      'has the name of a principal',
    ],
    [
      'an actor that is no principal',
      { ...user, clientId: 'stranger', actor: { subject: 'bot', tokenType: 'x' } },
      'principal_unknown',
      'access_denied',
      'stranger belongs to no',
    ],
    [
      'an unknown audience',
      { audience: 'https://other.example' },
      'target_not_registered',
      'invalid_target',
      'no server is registered for the audience https://other.example',
    ],
    [
      'an unknown resource',
      { resources: ['https://other.example/mcp'] },
      'target_not_registered',
      'invalid_target',
      `the target URL https://other.example/mcp is not registered for ${AS}; registered: ${ISSUES} ${WIKI}`,
    ],
    ['no resource and two servers', { resources: [] }, 'target_not_registered', 'invalid_target', 'several servers'],
    ['two resources', { resources: [ISSUES, WIKI] }, 'target_not_registered', 'invalid_target', 'for one server'],
    [
      'a client without an id there',
      { clientId: 'desk', resources: [WIKI] },
      'client_not_registered',
      'access_denied',
      `the client desk has no client id at ${AS}: register it there and enter it for wiki`,
    ],
    [
      'authorization details',
      { authorizationDetails: [{ type: 'mcp' }] },
      'denied_by_policy',
      'invalid_authorization_details',
      'no authorization_details',
    ],
    ['no grant at the server', { clientId: 'desk' }, 'no_grant', 'access_denied', 'desk has no grant at issues'],
    [
      'a scope that is not held',
      { scopes: ['issues:delete'] },
      'no_grant_for_scope',
      'invalid_scope',
      'bot has no grant for issues:delete at issues; it holds: issues:read issues:write issues:admin',
    ],
    [
      'a scope that is held and not enabled',
      { scopes: ['issues:admin'] },
      'scope_not_enabled',
      'invalid_scope',
      'issues:admin is not enabled at issues: enable it',
    ],
  ])('%s', async (_name, changes, expected, error, reason) => {
    const decision = await ask(changes);
    expect(decision).toEqual({ granted: false, status: expected, error, reason: expect.stringContaining(reason) });
  });

  it('and tells the client only where it is meant to', async () => {
    expect(await ask({ clientId: 'desk' })).not.toHaveProperty('description');
    table = policyTable({ ...tableOptions, explainDenials: true });
    const decision = await ask({ clientId: 'desk' });
    expect(decision).toMatchObject({ description: decision.granted ? 'granted' : decision.reason });
  });

  it('and in words of its own, from the names the table has for what was asked', async () => {
    const told: DenialFacts[] = [];
    table = policyTable({
      ...tableOptions,
      groupsOf: () => ['staff'],
      explainDenials(denial, facts) {
        told.push(facts);
        return `${String(denial.status)}: ask for ${facts.server ?? 'nothing'} at the help desk`;
      },
    });
    const asked = request({ clientId: 'bot-two', scopes: ['issues:delete'] });
    expect(await table.policy(asked)).toMatchObject({
      status: 'no_grant_for_scope',
      reason: expect.stringContaining('no grant for issues:delete'),
      description: 'no_grant_for_scope: ask for issues at the help desk',
    });
    await ask({ subject: 'bob', subjectKind: 'user', clientId: 'desk' });
    await ask({ clientId: 'stranger', resources: [] });
    const enabledScopes = ['issues:read', 'issues:write'];
    expect(told).toEqual([
      {
        request: asked,
        principal: 'bot',
        server: 'issues',
        enabledScopes,
        held: { default: ['issues:read'], onRequest: ['issues:write', 'issues:admin'] },
      },
      expect.objectContaining({ principal: 'desk', enabledScopes, held: { default: [], onRequest: ['issues:write'] } }),
      expect.objectContaining({
        principal: undefined,
        server: undefined,
        enabledScopes: [],
        held: { default: [], onRequest: [] },
      }),
    ]);
    expect(await ask()).not.toHaveProperty('description');
  });
});

describe('changes while it runs hold from the next request on', () => {
  it('pause and resume a server, and leave the others alone', async () => {
    table.pauseServer('issues');
    expect(await status()).toBe('server_paused');
    expect(await status({ resources: [WIKI] })).toEqual(['wiki:read']);
    table.resumeServer('issues');
    expect(await status()).toEqual(['issues:read']);
  });

  it('enable and disable a scope', async () => {
    table.enableScope('issues', 'issues:admin');
    expect(await status({ scopes: ['issues:admin'] })).toEqual(['issues:admin']);
    table.disableScope('issues', 'issues:read');
    expect(await status()).toBe('scope_not_enabled');
  });

  it('disable a principal with all its clients, also where they ask for a user', async () => {
    table.grant('alice', 'issues', ['issues:read']);
    const forAlice: Partial<IdJagRequest> = { subject: 'alice', subjectKind: 'user', clientId: 'bot-two' };
    expect(await status(forAlice)).toEqual(['issues:read']);
    table.disablePrincipal('bot');
    expect(await status()).toBe('principal_disabled');
    expect(await status({ clientId: 'bot-two' })).toBe('principal_disabled');
    expect(await status(forAlice)).toBe('principal_disabled');
    table.enablePrincipal('bot');
    table.disablePrincipal('alice');
    expect(await status(forAlice)).toBe('principal_disabled');
    expect(await status()).toEqual(['issues:read']);
  });

  it('grant and revoke, to one or to a group', async () => {
    table.grant('desk', 'issues', ['issues:read'], { onRequest: true });
    expect(await status({ clientId: 'desk' })).toBe('no_grant_for_scope');
    expect(await status({ clientId: 'desk', scopes: ['issues:read'] })).toEqual(['issues:read']);
    table.revoke('desk', 'issues', ['issues:read']);
    expect(await status({ clientId: 'desk', scopes: ['issues:read'] })).toBe('no_grant');
    table.addToGroup('desk', 'staff');
    expect(await status({ clientId: 'desk', scopes: ['issues:write'] })).toEqual(['issues:write']);
    table.revoke('staff', 'issues', ['issues:write']);
    table.grant('staff', 'issues', ['issues:read']);
    expect(await status({ clientId: 'desk' })).toEqual(['issues:read']);
    table.removeFromGroup('desk', 'staff');
    expect(await status({ clientId: 'desk' })).toBe('no_grant');
  });

  it('withhold a scope from one, whatever its groups hold, until it is granted again', async () => {
    table.addToGroup('bot', 'staff');
    table.addToGroup('desk', 'staff');
    table.withhold('bot', 'issues', ['issues:write']);
    expect(await ask({ scopes: ['issues:write'] })).toMatchObject({
      status: 'no_grant_for_scope',
      reason: 'issues:write is withheld from bot at issues; it holds: issues:read issues:admin',
    });
    expect(await ask({ scopes: ['issues:read', 'issues:write'] })).toMatchObject({
      scopes: ['issues:read'],
      reason: 'left out: issues:write is withheld from bot at issues',
    });
    expect(await status({ clientId: 'desk', scopes: ['issues:write'] })).toEqual(['issues:write']);
    table.grant('staff', 'issues', ['issues:write']);
    table.revoke('bot', 'issues', ['issues:write']);
    expect(await status()).toEqual(['issues:read']);
    table.grant('bot', 'issues', ['issues:write'], { onRequest: true });
    expect(await status({ scopes: ['issues:write'] })).toEqual(['issues:write']);
    table.withhold('bot', 'wiki', ['wiki:read']);
    expect(await ask({ resources: [WIKI] })).toMatchObject({
      status: 'no_grant',
      reason: 'bot has no grant at wiki: grant it one of wiki:read; withheld from it: wiki:read',
    });
    expect(() => table.withhold('staff', 'issues', ['issues:write'])).toThrow('no principal or user "staff"');
  });

  it('map a client, and unmap it', async () => {
    table.unmapClient('issues', 'bot');
    expect(await status()).toBe('client_not_registered');
    table.mapClient('issues', 'bot', 'new-id');
    expect(await ask()).toMatchObject({ granted: true, clientId: 'new-id' });
  });

  it('are refused for names that the table does not have, and change nothing', () => {
    const before = JSON.stringify(table.snapshot());
    for (const change of [
      () => table.pauseServer('isues'),
      () => table.enableScope('issues', 'issues:raed'),
      () => table.disablePrincipal('stranger'),
      () => table.grant('bot', 'wiki', ['wiki:read', 'wiki:write']),
      () => table.grant('stranger', 'wiki', ['wiki:read']),
      () => table.withhold('stranger', 'wiki', ['wiki:read']),
      () => table.withhold('bot', 'wiki', ['wiki:raed']),
      () => table.addToGroup('bot', 'readres'),
      () => table.mapClient('issues', 'bot', ''),
    ]) {
      expect(change).toThrow(TypeError);
    }
    expect(JSON.stringify(table.snapshot())).toBe(before);
  });

  it('are seen in the snapshot, and do not write into the options', () => {
    table.pauseServer('wiki');
    table.disablePrincipal('bot');
    table.revoke('bot', 'issues', ['issues:write', 'issues:admin']);
    table.withhold('bot', 'wiki', ['wiki:read']);
    expect(table.snapshot()).toMatchObject({
      servers: { wiki: { paused: true }, issues: { enabledScopes: ['issues:read', 'issues:write'] } },
      principals: {
        bot: {
          disabled: true,
          groups: ['readers'],
          grants: { issues: { default: ['issues:read'], onRequest: [] } },
          withheld: { wiki: ['wiki:read'] },
        },
        desk: { withheld: {} },
      },
      groups: { readers: { wiki: { default: ['wiki:read'] } } },
    });
    expect(policyTable(tableOptions).snapshot()).not.toEqual(table.snapshot());
  });
});

describe('questions', () => {
  it('what somebody holds is answered by server, by its groups as well, and less what is withheld', () => {
    expect(table.held('bot')).toEqual({
      issues: { default: ['issues:read'], onRequest: ['issues:write', 'issues:admin'] },
      wiki: { default: ['wiki:read'], onRequest: [] },
    });
    table.withhold('bot', 'wiki', ['wiki:read']);
    table.withhold('bot', 'issues', ['issues:read']);
    expect(table.held('bot')).toEqual({ issues: { default: [], onRequest: ['issues:write', 'issues:admin'] } });
    expect(table.held('alice')).toEqual({ issues: { default: ['issues:read'], onRequest: [] } });
    expect(table.held('desk')).toEqual({});
    expect(() => table.held('readers')).toThrow('there are: bot, desk, alice');
  });

  it('a client is enabled where its principal is', () => {
    const enabled = () =>
      Object.fromEntries(['bot', 'bot-two', 'desk', 'stranger'].map((client) => [client, table.isEnabled(client)]));
    expect(enabled()).toEqual({ bot: true, 'bot-two': true, desk: true, stranger: false });
    table.disablePrincipal('bot');
    expect(enabled()).toEqual({ bot: false, 'bot-two': false, desk: true, stranger: false });
  });

  it('the server of an audit record is known by its audience and resource', () => {
    expect(table.serverOf({ audience: AS, resource: [ISSUES] })).toBe('issues');
    expect(table.serverOf({ audience: 'urn:acme:issues' })).toBe('issues');
    for (const record of [{}, { audience: AS }, { audience: AS, resource: [ISSUES, WIKI] }, { resource: [ISSUES] }]) {
      expect(table.serverOf(record)).toBeUndefined();
    }
  });
});

describe('groups from a directory', () => {
  it('count like those of the table, and unknown ones for nothing', async () => {
    table = policyTable({
      ...tableOptions,
      groupsOf: ({ claims }) => (Array.isArray(claims['groups']) ? (claims['groups'] as string[]) : []),
    });
    const bob: Partial<IdJagRequest> = {
      subject: 'bob',
      subjectKind: 'user',
      clientId: 'desk',
      scopes: ['issues:write'],
    };
    expect(await status({ ...bob, claims: { groups: ['staff', 'toString'] } })).toEqual(['issues:write']);
    expect(await status({ ...bob, claims: { groups: ['toString'] } })).toBe('principal_unknown');
    expect(await status({ ...bob, subject: 'bot', claims: { groups: ['staff'] } })).toBe('principal_unknown');
  });

  it('stop counting for a user who is disabled by name, also after a restart', async () => {
    const groupsOf = () => ['staff'];
    const bob: Partial<IdJagRequest> = {
      subject: 'bob',
      subjectKind: 'user',
      clientId: 'desk',
      scopes: ['issues:write'],
    };
    table = policyTable({ ...tableOptions, groupsOf });
    table.disablePrincipal('bob');
    expect(await status(bob)).toBe('principal_disabled');
    expect(await status({ ...bob, subject: 'carol' })).toEqual(['issues:write']);
    table = policyTable({ ...tableOptions, groupsOf, users: table.snapshot().users });
    expect(await status(bob)).toBe('principal_disabled');
    table.enablePrincipal('bob');
    expect(await status(bob)).toEqual(['issues:write']);
    table.withhold('carol', 'issues', ['issues:write']);
    table = policyTable({ ...tableOptions, groupsOf, users: table.snapshot().users });
    expect(await status({ ...bob, subject: 'carol' })).toBe('no_grant');
    expect(await status(bob)).toEqual(['issues:write']);
    for (const name of ['bot-two', 'staff']) expect(() => table.disablePrincipal(name)).toThrow('no principal or user');
  });
});
