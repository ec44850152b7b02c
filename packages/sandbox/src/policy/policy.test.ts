import { beforeEach, describe, expect, it } from '@jest/globals';
import { grantReason } from './decide.ts';
import { createPolicy } from './policy.ts';

let world: ReturnType<typeof createPolicy>;
const ask = (principal: string, server: string, scopes?: string[]) => world.ask({ principal, server, scopes });

beforeEach(() => {
  world = createPolicy({
    principals: { bot: ['readers'], loner: [] },
    servers: { issues: ['issues:read', 'issues:write'], wiki: ['wiki:read'] },
  });
  world.policy.grant('bot', 'issues', ['issues:read']);
  world.policy.grant('bot', 'issues', ['issues:write'], { onRequest: true });
  world.policy.grant('readers', 'wiki', ['wiki:read']);
});

describe('the policy', () => {
  it('gives the default grant where no scope is asked for, and more only where it is', () => {
    expect(ask('bot', 'issues')).toMatchObject({ granted: true, scopes: ['issues:read'] });
    expect(ask('bot', 'issues', ['issues:write'])).toMatchObject({ granted: true, scopes: ['issues:write'] });
    expect(ask('bot', 'issues', ['issues:read', 'issues:write'])).toMatchObject({
      scopes: ['issues:read', 'issues:write'],
    });
  });

  it('drops what is not held and says so', () => {
    expect(ask('bot', 'issues', ['issues:read', 'issues:admin'])).toEqual({ granted: true, scopes: ['issues:read'] });
    expect(
      grantReason({
        principal: 'bot',
        server: 'issues',
        requestedScopes: ['issues:read', 'issues:admin'],
        grantedScopes: ['issues:read'],
      }),
    ).toBe('bot holds issues:read at issues (as asked). Dropped, not held: issues:admin.');
  });

  it('denies a request of which nothing is left, and names what is held', () => {
    expect(ask('bot', 'issues', ['issues:admin'])).toMatchObject({
      granted: false,
      error: 'invalid_scope',
      reason: expect.stringContaining('It holds: issues:read issues:write'),
    });
    world.policy.revokeScope('bot', 'issues', 'issues:read');
    expect(ask('bot', 'issues')).toMatchObject({ granted: false, error: 'invalid_scope' });
  });

  it('says whom to ask for what is not granted at all', () => {
    expect(ask('loner', 'wiki')).toEqual({
      granted: false,
      error: 'access_denied',
      reason: 'loner is not granted wiki. Ask the IdP administrator to grant it one of: wiki:read.',
    });
  });

  it('knows no stranger and no unregistered server', () => {
    expect(world.ask({ principal: undefined, server: 'wiki', scopes: undefined })).toMatchObject({
      error: 'access_denied',
    });
    expect(world.ask({ principal: 'bot', server: undefined, scopes: undefined })).toMatchObject({
      error: 'invalid_target',
    });
  });

  it('gives a member what its group holds, for as long as it is a member', () => {
    expect(ask('bot', 'wiki')).toMatchObject({ granted: true });
    world.policy.removeFromGroup('bot', 'readers');
    expect(ask('bot', 'wiki')).toMatchObject({ granted: false });
    world.policy.addToGroup('loner', 'readers');
    expect(ask('loner', 'wiki')).toMatchObject({ granted: true, scopes: ['wiki:read'] });
  });

  it('takes a scope from one principal even where its group holds it, until it is granted again', () => {
    world.policy.revokeScope('bot', 'wiki', 'wiki:read');
    expect(ask('bot', 'wiki')).toMatchObject({ granted: false });
    expect(world.policy.snapshot().principals['bot']?.revoked).toEqual({ wiki: ['wiki:read'] });
    world.policy.grant('bot', 'wiki', ['wiki:read']);
    expect(ask('bot', 'wiki')).toMatchObject({ granted: true });
    world.policy.revokeScope('readers', 'wiki', 'wiki:read');
    expect(ask('bot', 'wiki')).toMatchObject({ granted: true });
  });

  it('pauses a server and disables a principal, and takes both back', () => {
    world.policy.pauseServer('issues');
    expect(ask('bot', 'issues')).toMatchObject({ error: 'access_denied', reason: expect.stringContaining('paused') });
    world.policy.resumeServer('issues');
    world.policy.disablePrincipal('bot');
    expect(ask('bot', 'issues')).toMatchObject({ error: 'access_denied', reason: expect.stringContaining('disabled') });
    world.policy.enablePrincipal('bot');
    expect(ask('bot', 'issues')).toMatchObject({ granted: true });
  });

  it('refuses names that do not exist and says which do', () => {
    expect(() => world.policy.grant('bott', 'issues', [])).toThrow(
      expect.objectContaining({ code: 'invalid_configuration', remedy: 'Use one of: bot, loner, readers.' }),
    );
    expect(() => world.policy.revokeScope('bot', 'issues', 'issues:raed')).toThrow(/scope of issues/u);
    expect(() => world.policy.pauseServer('isues')).toThrow(/"isues"/u);
    expect(() => world.policy.addToGroup('bot', 'nobody')).toThrow(/group/u);
  });

  it('shows itself as plain data that changes nothing when changed', () => {
    const snapshot = world.policy.snapshot();
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
    expect(world.policy.snapshot().principals['bot']?.groups).toEqual(['readers']);
  });
});
