import { describe, expect, it } from '@jest/globals';
import { request, tableOptions } from '../../../../test/support/roles/policy.ts';
import type { IdJagRequest } from '../issue/policy.ts';
import { policyTable } from './policy-table.ts';

describe('authentication of users', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  const demanding = policyTable({
    ...tableOptions,
    now: () => now,
    servers: {
      issues: {
        ...tableOptions.servers.issues,
        userAuthentication: { maxAgeSeconds: 600, acrValues: ['phr', 'mfa'], amr: ['hwk'] },
      },
      wiki: tableOptions.servers.wiki,
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
