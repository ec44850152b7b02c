import { type PolicyTable, policyTable } from '@credence/identity-provider';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { explainDenial } from './explain-denial.ts';
import { type Policy, policyOver } from './policy.ts';

let table: PolicyTable;
let policy: Policy;

const ISSUER = 'https://as.example';
const clients = { bot: 'bot-at-as', loner: 'loner-at-as' };

beforeEach(() => {
  table = policyTable({
    servers: {
      issues: { issuer: ISSUER, resource: 'https://issues.example', scopes: ['issues:read', 'issues:write'], clients },
      wiki: { issuer: ISSUER, resource: 'https://wiki.example', scopes: ['wiki:read'], clients },
    },
    groups: { readers: { wiki: ['wiki:read'] } },
    principals: { bot: { groups: ['readers'] }, loner: {} },
    explainDenials: explainDenial,
  });
  policy = policyOver(table);
  policy.grant('bot', 'issues', ['issues:read']);
  policy.grant('bot', 'issues', ['issues:write'], { onRequest: true });
});

/** The granted scopes, or the error code and description that the client gets. */
async function requestScopes(
  clientId: string,
  server: string,
  scopes?: string[],
): Promise<readonly string[] | string | undefined> {
  const decision = await table.policy({
    subject: clientId,
    subjectKind: 'principal',
    subjectTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    claims: {},
    clientId,
    audience: ISSUER,
    resources: [`https://${server}.example`],
    scopes,
  });
  return decision.granted ? decision.scopes : `${decision.error}: ${decision.description}`;
}

describe('policyOver', () => {
  it('grants the default scopes to a request without scope, and more only to a request that names them', async () => {
    expect(await requestScopes('bot', 'issues')).toEqual(['issues:read']);
    expect(await requestScopes('bot', 'issues', ['issues:read', 'issues:write'])).toEqual([
      'issues:read',
      'issues:write',
    ]);
  });

  it('explains a denial to the bot, and names whom to contact', async () => {
    expect(await requestScopes('loner', 'issues')).toBe(
      'access_denied: loner is not granted issues. Ask the IdP administrator to grant it one of: issues:read issues:write.',
    );
    expect(await requestScopes('bot', 'issues', ['issues:admin'])).toBe(
      'invalid_scope: bot does not hold issues:admin at issues. It holds: issues:read issues:write. Ask the IdP administrator for more.',
    );
    policy.revokeScope('bot', 'issues', 'issues:read');
    expect(await requestScopes('bot', 'issues')).toBe(
      'invalid_scope: bot has no default scope at issues. Request one of: issues:write.',
    );
    policy.pauseServer('issues');
    expect(await requestScopes('bot', 'issues')).toBe(
      'access_denied: Access to issues is paused. Ask the IdP administrator when it resumes.',
    );
    policy.resumeServer('issues');
    policy.disablePrincipal('bot');
    expect(await requestScopes('bot', 'issues')).toBe(
      'access_denied: bot is disabled. Ask the IdP administrator to enable it.',
    );
    policy.enablePrincipal('bot');
    expect(await requestScopes('bot', 'issues', ['issues:write'])).toEqual(['issues:write']);
    expect(await requestScopes('stranger', 'issues')).toContain(
      'access_denied: the client stranger belongs to no principal',
    );
    expect(await requestScopes('bot', 'elsewhere')).toContain(
      'invalid_target: the target URL https://elsewhere.example is not',
    );
  });

  it('grants a principal the scopes of a group while it is a member', async () => {
    expect(await requestScopes('bot', 'wiki')).toEqual(['wiki:read']);
    policy.removeFromGroup('bot', 'readers');
    expect(await requestScopes('bot', 'wiki')).toContain('access_denied');
    policy.addToGroup('loner', 'readers');
    expect(await requestScopes('loner', 'wiki')).toEqual(['wiki:read']);
  });

  it('revokes a scope of one principal even if its group holds it, until it is granted again', async () => {
    policy.revokeScope('bot', 'wiki', 'wiki:read');
    expect(await requestScopes('bot', 'wiki')).toContain('access_denied');
    expect(policy.snapshot().principals['bot']).toMatchObject({ revoked: { wiki: ['wiki:read'] } });
    expect(policy.snapshot().principals['bot']?.effective).not.toHaveProperty('wiki');
    policy.grant('bot', 'wiki', ['wiki:read']);
    expect(await requestScopes('bot', 'wiki')).toEqual(['wiki:read']);
    policy.revokeScope('readers', 'wiki', 'wiki:read');
    expect(await requestScopes('bot', 'wiki')).toEqual(['wiki:read']);
    expect(policy.snapshot().groups).toEqual({ readers: {} });
  });

  it.each<[string, () => void, RegExp]>([
    ['principal', () => policy.grant('bott', 'issues', []), /"bott"; there are: bot, loner, readers/u],
    ['principal in revokeScope', () => policy.revokeScope('bott', 'issues', 'issues:read'), /"bott"/u],
    ['scope', () => policy.revokeScope('bot', 'issues', 'issues:raed'), /issues:raed; its scopes are: issues:read/u],
    ['server', () => policy.pauseServer('isues'), /"isues"; there are: issues, wiki/u],
    ['group', () => policy.addToGroup('bot', 'nobody'), /no group "nobody"/u],
  ])('refuses a %s that does not exist, and lists the existing ones', (_kind, change, message) => {
    const before = policy.snapshot();
    expect(change).toThrow(
      expect.objectContaining({ code: 'invalid_configuration', message: expect.stringMatching(message) }),
    );
    expect(policy.snapshot()).toEqual(before);
  });

  it('returns a snapshot that is a copy: a change of it does not change the policy', () => {
    const snapshot = policy.snapshot();
    expect(snapshot).toEqual({
      principals: {
        bot: {
          enabled: true,
          groups: ['readers'],
          grants: { issues: { default: ['issues:read'], onRequest: ['issues:write'] } },
          revoked: {},
          effective: {
            issues: { default: ['issues:read'], onRequest: ['issues:write'] },
            wiki: { default: ['wiki:read'], onRequest: [] },
          },
        },
        loner: { enabled: true, groups: [], grants: {}, revoked: {}, effective: {} },
      },
      groups: { readers: { wiki: { default: ['wiki:read'], onRequest: [] } } },
      servers: {
        issues: { paused: false, scopes: ['issues:read', 'issues:write'] },
        wiki: { paused: false, scopes: ['wiki:read'] },
      },
    });
    snapshot.principals['bot']?.groups.push('admins');
    expect(policy.snapshot().principals['bot']?.groups).toEqual(['readers']);
  });
});
