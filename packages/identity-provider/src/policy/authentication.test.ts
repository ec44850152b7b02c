import { describe, expect, it } from '@jest/globals';
import { request, tableOptions } from '../../../../test/support/roles/policy.ts';
import type { IdJagRequest } from '../issue/policy.ts';
import { policyTable } from './policy-table.ts';

describe('userAuthentication of a server in the policy table', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);
  const strictTable = policyTable({
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
  const sufficient = { authenticatedAt: minutesAgo(5), acr: 'mfa', amr: ['pwd', 'hwk'] };

  it('grants a user whose sign-in is recent and strong enough, with the claims about the sign-in', async () => {
    expect(await strictTable.policy(request({ ...alice, authentication: sufficient }))).toMatchObject({
      granted: true,
      claims: { auth_time: minutesAgo(5).getTime() / 1000, acr: 'mfa', amr: ['pwd', 'hwk'] },
    });
  });

  it.each<[string, IdJagRequest['authentication'], string]>([
    [
      'that is too old',
      { ...sufficient, authenticatedAt: minutesAgo(11) },
      'signed in 660 s ago, and 600 s are allowed',
    ],
    ['of unknown age', { acr: 'mfa', amr: ['hwk'] }, 'does not say when'],
    ['with another acr', { ...sufficient, acr: 'pwd' }, 'acr pwd, and one of phr mfa is required'],
    ['without an acr', { authenticatedAt: minutesAgo(5), amr: ['hwk'] }, 'acr (none)'],
    ['without a required amr value', { ...sufficient, amr: ['pwd'] }, 'without hwk'],
    ['that the subject token does not describe', undefined, 'does not say when'],
    ['at an invalid time', { ...sufficient, authenticatedAt: new Date(Number.NaN) }, 'does not say when'],
    ['at a time in the future', { ...sufficient, authenticatedAt: minutesAgo(-1) }, 'sign-in is in the future'],
  ])('denies a user with a sign-in %s, and requests a new one', async (_name, authentication, reason) => {
    expect(await strictTable.policy(request({ ...alice, ...(authentication && { authentication }) }))).toEqual({
      granted: false,
      status: 'authentication_insufficient',
      error: 'insufficient_user_authentication',
      reason: expect.stringContaining(reason),
      maxAgeSeconds: 600,
      acrValues: ['phr', 'mfa'],
    });
  });

  it('does not apply to a service principal, and is checked only after the grant', async () => {
    expect(await strictTable.policy(request())).toMatchObject({ granted: true });
    const denied = await strictTable.policy(request({ ...alice, scopes: ['issues:admin'] }));
    expect(denied).toMatchObject({ status: 'no_grant_for_scope' });
  });
});
