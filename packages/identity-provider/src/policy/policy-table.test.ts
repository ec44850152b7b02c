import { beforeEach, describe, expect, it } from '@jest/globals';
import { AS, ISSUES, request, tableOptions, WIKI } from '../../../../test/support/roles/policy.ts';
import type { IdJagDecision, IdJagRequest } from '../issue/policy.ts';
import type { DenialFacts } from './denial-facts.ts';
import { type PolicyTable, policyTable } from './policy-table.ts';

let table: PolicyTable;
beforeEach(() => {
  table = policyTable(tableOptions);
});

const decide = async (changes: Partial<IdJagRequest> = {}): Promise<IdJagDecision> => table.policy(request(changes));
const status = async (changes: Partial<IdJagRequest> = {}): Promise<unknown> => {
  const decision = await decide(changes);
  return decision.granted ? decision.scopes : decision.status;
};

describe('a decision of the policy table', () => {
  it('grants the default scopes if the request names none, with the settings of the server', async () => {
    expect(await decide()).toEqual({
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

  it('grants requested scopes that the principal or one of its groups holds', async () => {
    expect(await status({ scopes: ['issues:write', 'issues:read'] })).toEqual(['issues:write', 'issues:read']);
    expect(await status({ resources: [WIKI] })).toEqual(['wiki:read']);
  });

  it('leaves out scopes that are not held or not enabled, and names them in the reason', async () => {
    expect(await decide({ scopes: ['issues:read', 'issues:admin', 'issues:delete'] })).toMatchObject({
      granted: true,
      scopes: ['issues:read'],
      reason: 'left out: bot has no grant for issues:delete at issues; issues:admin is not enabled at issues',
    });
  });

  it('grants a scope by default if the principal or one of its groups holds it by default', async () => {
    table.addToGroup('bot', 'staff');
    table.grant('staff', 'issues', ['issues:write']);
    expect(await status()).toEqual(['issues:read', 'issues:write']);
    expect(await decide({ scopes: ['none'] })).toMatchObject({
      reason: expect.stringMatching(/it holds: issues:read issues:write issues:admin$/u),
    });
  });

  it('contains the client id that the requesting client has at the authorization server', async () => {
    expect(await decide({ clientId: 'bot-two' })).toMatchObject({ granted: true, clientId: 'bot-two-at-as' });
    expect(await decide({ clientId: 'bot-two', subject: 'bot-two' })).toMatchObject({ subject: 'bot' });
    expect(table.subject('bot-two')).toBe('bot');
    expect(table.subject('unknown')).toBe('unknown');
  });

  it('has the issuer as audience if the client sent another name of the authorization server', async () => {
    expect(await decide({ audience: 'urn:acme:issues' })).toMatchObject({ granted: true, audience: AS });
  });

  it('needs no requested resource if the audience has only one server', async () => {
    expect(await decide({ audience: 'urn:acme:issues', resources: [] })).toMatchObject({ resource: ISSUES });
  });
});

describe('a denial of the policy table', () => {
  const user: Partial<IdJagRequest> = { subject: 'alice', subjectKind: 'user', clientId: 'desk' };
  it.each<[string, Partial<IdJagRequest>, string, string, string]>([
    ['an unknown client', { clientId: 'stranger' }, 'principal_unknown', 'access_denied', 'stranger belongs to no'],
    [
      'a client with the name of a JavaScript object property',
      { clientId: 'constructor' },
      'principal_unknown',
      'access_denied',
      'constructor belongs to no',
    ],
    ['an unknown user', { ...user, subject: 'bob' }, 'principal_unknown', 'access_denied', 'user bob is not in'],
    [
      'a user with the name of a principal',
      { ...user, subject: 'bot' },
      'principal_unknown',
      'access_denied',
      'has the name of a principal',
    ],
    [
      'a user with the name of a client',
      { ...user, subject: 'bot-two' },
      'principal_unknown',
      'access_denied',
      'has the name of a principal',
    ],
    [
      'an actor that is not a principal',
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
    [
      'no requested resource at an audience with two servers',
      { resources: [] },
      'target_not_registered',
      'invalid_target',
      'several servers',
    ],
    ['two resources', { resources: [ISSUES, WIKI] }, 'target_not_registered', 'invalid_target', 'for one server'],
    [
      'a client without a client id at the authorization server',
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
  ])('has a status, an error and a reason for %s', async (_name, changes, expected, error, reason) => {
    const decision = await decide(changes);
    expect(decision).toEqual({ granted: false, status: expected, error, reason: expect.stringContaining(reason) });
  });

  it('has a description for the client only with explainDenials', async () => {
    expect(await decide({ clientId: 'desk' })).not.toHaveProperty('description');
    table = policyTable({ ...tableOptions, explainDenials: true });
    const decision = await decide({ clientId: 'desk' });
    expect(decision).toMatchObject({ description: decision.granted ? 'granted' : decision.reason });
  });

  it('has the description that the function explainDenials returns for the facts of the table', async () => {
    const collectedFacts: DenialFacts[] = [];
    table = policyTable({
      ...tableOptions,
      groupsOf: () => ['staff'],
      explainDenials(denial, facts) {
        collectedFacts.push(facts);
        return `${String(denial.status)}: ask for ${facts.server ?? 'nothing'} at the help desk`;
      },
    });
    const deniedRequest = request({ clientId: 'bot-two', scopes: ['issues:delete'] });
    expect(await table.policy(deniedRequest)).toMatchObject({
      status: 'no_grant_for_scope',
      reason: expect.stringContaining('no grant for issues:delete'),
      description: 'no_grant_for_scope: ask for issues at the help desk',
    });
    await decide({ subject: 'bob', subjectKind: 'user', clientId: 'desk' });
    await decide({ clientId: 'stranger', resources: [] });
    const enabledScopes = ['issues:read', 'issues:write'];
    expect(collectedFacts).toEqual([
      {
        request: deniedRequest,
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
    expect(await decide()).not.toHaveProperty('description');
  });
});

describe('a change of the policy table while it runs', () => {
  it('pauses and resumes one server, and no other', async () => {
    table.pauseServer('issues');
    expect(await status()).toBe('server_paused');
    expect(await status({ resources: [WIKI] })).toEqual(['wiki:read']);
    table.resumeServer('issues');
    expect(await status()).toEqual(['issues:read']);
  });

  it('enables and disables a scope', async () => {
    table.enableScope('issues', 'issues:admin');
    expect(await status({ scopes: ['issues:admin'] })).toEqual(['issues:admin']);
    table.disableScope('issues', 'issues:read');
    expect(await status()).toBe('scope_not_enabled');
  });

  it('disables a principal with all its clients, even for requests for a user', async () => {
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

  it('grants and revokes scopes of a principal or a group', async () => {
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

  it('withholds a scope from a principal even if its groups hold it, until it is granted again', async () => {
    table.addToGroup('bot', 'staff');
    table.addToGroup('desk', 'staff');
    table.withhold('bot', 'issues', ['issues:write']);
    expect(await decide({ scopes: ['issues:write'] })).toMatchObject({
      status: 'no_grant_for_scope',
      reason: 'issues:write is withheld from bot at issues; it holds: issues:read issues:admin',
    });
    expect(await decide({ scopes: ['issues:read', 'issues:write'] })).toMatchObject({
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
    expect(await decide({ resources: [WIKI] })).toMatchObject({
      status: 'no_grant',
      reason: 'bot has no grant at wiki: grant it one of wiki:read; withheld from it: wiki:read',
    });
    expect(() => table.withhold('staff', 'issues', ['issues:write'])).toThrow('no principal or user "staff"');
  });

  it('maps a client to a client id, and removes the mapping', async () => {
    table.unmapClient('issues', 'bot');
    expect(await status()).toBe('client_not_registered');
    table.mapClient('issues', 'bot', 'new-id');
    expect(await decide()).toMatchObject({ granted: true, clientId: 'new-id' });
  });

  it('throws for a name that the table does not have, and changes nothing', () => {
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

  it('appears in the snapshot, and does not change the options', () => {
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

describe('a query of the policy table', () => {
  it('returns the held scopes by server, including those of groups and without withheld ones', () => {
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

  it('returns whether the principal of a client is enabled', () => {
    const enabled = () =>
      Object.fromEntries(['bot', 'bot-two', 'desk', 'stranger'].map((client) => [client, table.isEnabled(client)]));
    expect(enabled()).toEqual({ bot: true, 'bot-two': true, desk: true, stranger: false });
    table.disablePrincipal('bot');
    expect(enabled()).toEqual({ bot: false, 'bot-two': false, desk: true, stranger: false });
  });

  it('finds the server by the audience and resource of an audit record', () => {
    expect(table.serverOf({ audience: AS, resource: [ISSUES] })).toBe('issues');
    expect(table.serverOf({ audience: 'urn:acme:issues' })).toBe('issues');
    for (const record of [{}, { audience: AS }, { audience: AS, resource: [ISSUES, WIKI] }, { resource: [ISSUES] }]) {
      expect(table.serverOf(record)).toBeUndefined();
    }
  });
});

describe('groupsOf', () => {
  it('adds groups to those of the table, and unknown groups grant nothing', async () => {
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

  it('gives no scopes to a user who is disabled by name, even after a restart', async () => {
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
