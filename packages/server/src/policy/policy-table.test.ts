import { beforeEach, describe, expect, it } from '@jest/globals';
import type { IdJagDecision, IdJagRequest } from '../issue/policy.ts';
import type { DenialFacts } from './denial-facts.ts';
import type { PolicyTableOptions } from './options.ts';
import { pairwiseSubject } from './pairwise.ts';
import { type PolicyTable, policyTable } from './policy-table.ts';

const AS = 'https://as.example';
const ISSUES = 'https://issues.example/mcp';
const WIKI = 'https://wiki.example/mcp';
const SECRET = 'a secret of at least thirty-two bytes, kept for years';

const options = {
  servers: {
    issues: {
      issuer: AS,
      audiences: ['urn:acme:issues'],
      resource: ISSUES,
      scopes: ['issues:read', 'issues:write', 'issues:admin'],
      enabledScopes: ['issues:read', 'issues:write'],
      clients: { bot: 'bot-at-as', 'bot-two': 'bot-two-at-as', desk: 'desk-at-as' },
      maxLifetimeSeconds: 60,
      algorithm: 'EdDSA',
    },
    wiki: { issuer: AS, resource: WIKI, scopes: ['wiki:read'], clients: { bot: 'bot-at-as' } },
  },
  groups: {
    readers: { wiki: ['wiki:read'] },
    staff: { issues: { onRequest: ['issues:write'] } },
  },
  principals: {
    bot: {
      clients: ['bot', 'bot-two'],
      groups: ['readers'],
      grants: { issues: { default: ['issues:read'], onRequest: ['issues:write', 'issues:admin'] } },
      claims: { department: 'reports' },
    },
    desk: {},
  },
  users: { alice: { grants: { issues: ['issues:read'] } } },
} as const satisfies PolicyTableOptions;

let table: PolicyTable;
beforeEach(() => {
  table = policyTable(options);
});

function request(changes: Partial<IdJagRequest> = {}): IdJagRequest {
  return {
    subject: 'bot',
    subjectKind: 'principal',
    subjectTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    claims: {},
    clientId: 'bot',
    audience: AS,
    resources: [ISSUES],
    scopes: undefined,
    ...changes,
  };
}
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
    table = policyTable({ ...options, explainDenials: true });
    const decision = await ask({ clientId: 'desk' });
    expect(decision).toMatchObject({ description: decision.granted ? 'granted' : decision.reason });
  });

  it('and in words of its own, from the names the table has for what was asked', async () => {
    const told: DenialFacts[] = [];
    table = policyTable({
      ...options,
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
    expect(policyTable(options).snapshot()).not.toEqual(table.snapshot());
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
    expect(['bot', 'bot-two', 'stranger'].map((client) => table.isEnabled(client))).toEqual([true, true, false]);
    table.disablePrincipal('bot');
    expect(['bot', 'bot-two', 'desk'].map((client) => table.isEnabled(client))).toEqual([false, false, true]);
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
      ...options,
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
    table = policyTable({ ...options, groupsOf });
    table.disablePrincipal('bob');
    expect(await status(bob)).toBe('principal_disabled');
    expect(await status({ ...bob, subject: 'carol' })).toEqual(['issues:write']);
    table = policyTable({ ...options, groupsOf, users: table.snapshot().users });
    expect(await status(bob)).toBe('principal_disabled');
    table.enablePrincipal('bob');
    expect(await status(bob)).toEqual(['issues:write']);
    table.withhold('carol', 'issues', ['issues:write']);
    table = policyTable({ ...options, groupsOf, users: table.snapshot().users });
    expect(await status({ ...bob, subject: 'carol' })).toBe('no_grant');
    expect(await status(bob)).toEqual(['issues:write']);
    for (const name of ['bot-two', 'staff']) expect(() => table.disablePrincipal(name)).toThrow('no principal or user');
  });
});

describe('pairwise subjects', () => {
  const subjectFor = async (of: PolicyTable, changes: Partial<IdJagRequest>) => {
    const decision = await of.policy(request(changes));
    return decision.granted ? decision.subject : decision.status;
  };
  const elsewhere = {
    issuer: 'https://other-as.example',
    resource: 'https://crm.example/mcp',
    scopes: ['crm:read'],
    clients: { bot: 'bot-at-crm' },
  };
  const withSecret = (secret: string | Uint8Array = SECRET) =>
    policyTable({
      ...options,
      pairwiseSecret: secret,
      servers: {
        ...options.servers,
        crm: elsewhere,
        hr: { ...elsewhere, resource: 'https://hr.example/mcp', subjects: 'public' },
      },
      groups: { ...options.groups, readers: { wiki: ['wiki:read'], crm: ['crm:read'], hr: ['crm:read'] } },
    });
  const crm = { audience: elsewhere.issuer, resources: [elsewhere.resource] };

  it('are stable, and the same for all servers of one authorization server', async () => {
    const subject = await subjectFor(withSecret(), {});
    // Fixed: whoever changes how it is made gives every account of every deployment a new name.
    expect(subject).toBe('UhHI034SB9xfBcK3NbMTKy2bbDwAawaKyBts08pwPAA');
    expect(await subjectFor(withSecret(new TextEncoder().encode(SECRET)), { resources: [WIKI] })).toBe(subject);
  });

  it('differ by authorization server, by subject, by kind and by secret', async () => {
    const subjects = await Promise.all([
      subjectFor(withSecret(), {}),
      subjectFor(withSecret(), crm),
      subjectFor(withSecret(), { subject: 'alice', subjectKind: 'user' }),
      Promise.resolve(pairwiseSubject(SECRET, { sector: AS, kind: 'principal', subject: 'alice' })),
      subjectFor(withSecret(`another ${SECRET}`), {}),
    ]);
    expect(new Set(subjects).size).toBe(subjects.length);
    for (const subject of subjects) expect(subject).toMatch(/^[\w-]{43}$/u);
  });

  it('hide the actor as well, by the name it has when it comes for itself', async () => {
    const asked = request({
      subject: 'alice',
      subjectKind: 'user',
      actor: { subject: 'bot', tokenType: 'urn:ietf:params:oauth:token-type:access_token' },
    });
    expect(await withSecret().policy(asked)).toMatchObject({ actorSubject: await subjectFor(withSecret(), {}) });
  });

  it('hide who acted before, of whom nothing else is said', async () => {
    const before = { sub: 'bot', email: 'bot@acme.example', act: { sub: 'agent-7@acme.example' } };
    const forAlice = { subject: 'alice', subjectKind: 'user', claims: { act: before } } as const;
    const own = await subjectFor(withSecret(), {});
    expect(await withSecret().policy(request(forAlice))).toMatchObject({
      priorAct: { sub: own, act: { sub: expect.not.stringContaining('acme') } },
    });
    const atIssues = await withSecret().policy(request(forAlice));
    expect(atIssues.granted && Object.keys(atIssues.priorAct ?? {})).toEqual(['sub', 'act']);
    expect(await table.policy(request(forAlice))).toMatchObject({ priorAct: before });
  });

  it('keep an actor of another issuer apart from a principal of the same name', async () => {
    const act = { sub: 'bot', iss: 'https://elsewhere.example' };
    const decision = await withSecret().policy(request({ subject: 'alice', subjectKind: 'user', claims: { act } }));
    expect(decision).toMatchObject({ priorAct: { sub: expect.stringMatching(/^[\w-]{43}$/u) } });
    expect(decision).not.toMatchObject({ priorAct: { sub: await subjectFor(withSecret(), {}) } });
  });

  it('are not made for a server that wants to know', async () => {
    expect(await subjectFor(withSecret(), { ...crm, resources: ['https://hr.example/mcp'] })).toBe('bot');
  });
});

describe('authentication of users', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  const demanding = policyTable({
    ...options,
    now: () => now,
    servers: {
      issues: {
        ...options.servers.issues,
        userAuthentication: { maxAgeSeconds: 600, acrValues: ['phr', 'mfa'], amr: ['hwk'] },
      },
      wiki: options.servers.wiki,
    },
  });
  const alice: Partial<IdJagRequest> = { subject: 'alice', subjectKind: 'user', clientId: 'desk' };
  const good = { authenticatedAt: minutesAgo(5), acr: 'mfa', amr: ['pwd', 'hwk'] };

  it('that is fresh and strong enough is granted, and handed on', async () => {
    expect(await demanding.policy(request({ ...alice, authentication: good }))).toMatchObject({
      granted: true,
      claims: { auth_time: minutesAgo(5).getTime() / 1000, acr: 'mfa', amr: ['pwd', 'hwk'] },
    });
  });

  it.each<[string, IdJagRequest['authentication'], string]>([
    ['too old', { ...good, authenticatedAt: minutesAgo(11) }, 'signed in 660 s ago, and 600 s are allowed'],
    ['of unknown age', { acr: 'mfa', amr: ['hwk'] }, 'does not say when'],
    ['of another class', { ...good, acr: 'pwd' }, 'acr pwd, and one of phr mfa is wanted'],
    ['of no class', { authenticatedAt: minutesAgo(5), amr: ['hwk'] }, 'acr (none)'],
    ['without a method', { ...good, amr: ['pwd'] }, 'without hwk'],
    ['that is not known at all', undefined, 'does not say when'],
    ['of no real age', { ...good, authenticatedAt: new Date(Number.NaN) }, 'does not say when'],
    ['still to come', { ...good, authenticatedAt: minutesAgo(-1) }, 'will have signed in'],
  ])('that is %s is asked for again', async (_name, authentication, reason) => {
    expect(await demanding.policy(request({ ...alice, ...(authentication && { authentication }) }))).toEqual({
      granted: false,
      status: 'authentication_insufficient',
      error: 'insufficient_user_authentication',
      reason: expect.stringContaining(reason),
      maxAgeSeconds: 600,
      acrValues: ['phr', 'mfa'],
    });
  });

  it('is not asked of a service principal, nor of somebody without a grant', async () => {
    expect(await demanding.policy(request())).toMatchObject({ granted: true });
    const denied = await demanding.policy(request({ ...alice, scopes: ['issues:admin'] }));
    expect(denied).toMatchObject({ status: 'no_grant_for_scope' });
  });
});

describe('a table that contradicts itself', () => {
  const { servers, principals } = options;
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
    const make = () => policyTable({ ...options, servers, principals, ...changes });
    expect(make).toThrow(expect.objectContaining({ name: 'TypeError', message: expect.stringContaining(message) }));
    expect(make).not.toThrow(expect.objectContaining({ message: expect.stringContaining('hunter2') }));
  });
});
