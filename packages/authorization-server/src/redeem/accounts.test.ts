import type { IdJag } from '@credence/protocol';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { GrantRefusal } from '../grant/refusal.ts';
import { type AccountDirectory, defaultAccountId, type GrantUse, linkAccounts } from './accounts.ts';

const idJag = (more: Partial<IdJag> = {}): IdJag => ({
  issuer: 'https://idp.example',
  subject: 's1',
  audience: 'https://as.example',
  clientId: 'c',
  jwtId: 'j',
  issuedAt: new Date(),
  expiresAt: new Date(),
  resources: [],
  scopes: [],
  groups: [],
  roles: [],
  claims: {},
  ...more,
});

const unused: GrantUse = { spend: () => Promise.resolve() };

describe('linkAccounts', () => {
  const ANN = 'ann@acme.example';
  let links: Map<string, string>;
  let provisioned: number;
  let directory: AccountDirectory;

  beforeEach(() => {
    links = new Map();
    provisioned = 0;
    directory = {
      bySubject: (key) => links.get(JSON.stringify(key)),
      byEmail: (email) => (email === ANN ? 'account-of-ann' : undefined),
      provision: ({ subject }) => {
        provisioned += 1;
        return `new-${subject}`;
      },
      link: (key, accountId) => {
        for (const [other, id] of links) {
          if (id === accountId && other !== JSON.stringify(key)) return false;
        }
        return Boolean(links.set(JSON.stringify(key), accountId));
      },
    };
  });

  it('finds an account by the subject first', async () => {
    links.set(JSON.stringify({ issuer: 'https://idp.example', subject: 's1' }), 'linked');
    await expect(linkAccounts(directory)(idJag({ verifiedEmail: ANN }), unused)).resolves.toEqual({
      accountId: 'linked',
      linkedBy: 'subject',
    });
  });

  it('finds an account by a verified email address once, and then by the subject', async () => {
    const account = linkAccounts(directory);
    await expect(account(idJag({ verifiedEmail: ANN }), unused)).resolves.toEqual({
      accountId: 'account-of-ann',
      linkedBy: 'email',
    });
    await expect(account(idJag({ verifiedEmail: 'married@acme.example' }), unused)).resolves.toEqual({
      accountId: 'account-of-ann',
      linkedBy: 'subject',
    });
    expect(provisioned).toBe(0);
  });

  it('ignores an email address that is not verified', async () => {
    const account = linkAccounts({ ...directory, provision: undefined });
    await expect(account(idJag({ email: ANN }), unused)).resolves.toBeUndefined();
  });

  it('refuses a second subject that gets the email address of the first one', async () => {
    const account = linkAccounts(directory);
    await account(idJag({ verifiedEmail: ANN }), unused);
    await expect(account(idJag({ subject: 's2', verifiedEmail: ANN }), unused)).rejects.toBeInstanceOf(GrantRefusal);
  });

  it('creates an account once for a subject that has none', async () => {
    const account = linkAccounts(directory);
    await expect(account(idJag(), unused)).resolves.toEqual({ accountId: 'new-s1', linkedBy: 'provisioning' });
    await expect(account(idJag(), unused)).resolves.toEqual({ accountId: 'new-s1', linkedBy: 'subject' });
    expect(provisioned).toBe(1);
  });

  it('gives the same subject in two tenants two accounts', async () => {
    const account = linkAccounts({ ...directory, byEmail: undefined, provision: ({ tenant }) => `of-${tenant}` });
    await expect(account(idJag({ tenant: 'red' }), unused)).resolves.toMatchObject({ accountId: 'of-red' });
    await expect(account(idJag({ tenant: 'blue' }), unused)).resolves.toMatchObject({ accountId: 'of-blue' });
  });

  it('marks the ID-JAG as used after all lookups and before the first write', async () => {
    const steps: string[] = [];
    const record = <T>(step: string, value: T) => {
      steps.push(step);
      return value;
    };
    const account = linkAccounts({
      bySubject: () => record('bySubject', undefined),
      byEmail: () => record('byEmail', null),
      provision: () => record('provision', 'new'),
      link: () => record('link', true),
    });
    await account(idJag({ verifiedEmail: ANN }), { spend: () => Promise.resolve(record('spend', undefined)) });
    expect(steps).toEqual(['bySubject', 'byEmail', 'spend', 'provision', 'link']);

    const used = { spend: () => Promise.reject(new GrantRefusal('invalid_grant', 'used before')) };
    await expect(linkAccounts(directory)(idJag(), used)).rejects.toThrow('used before');
    expect({ provisioned, linked: links.size }).toEqual({ provisioned: 0, linked: 0 });
  });

  it('gives one account to concurrent requests of a new subject', async () => {
    const account = linkAccounts({
      bySubject: async (key) => {
        await Promise.resolve();
        return links.get(JSON.stringify(key));
      },
      provision: async () => {
        await Promise.resolve();
        provisioned += 1;
        return `new-${provisioned}`;
      },
      link: (key, accountId) => {
        if (links.has(JSON.stringify(key))) return false;
        return Boolean(links.set(JSON.stringify(key), accountId));
      },
    });
    const results = await Promise.all(Array.from({ length: 5 }, () => account(idJag(), unused)));
    expect(new Set(results.map((result) => result?.accountId))).toEqual(new Set(['new-1']));
  });

  it.each([
    ['bySubject', { bySubject: () => null }],
    ['provision', { provision: () => null }],
  ])('accepts null from %s as no account', async (_name, none) => {
    const { bySubject, link } = directory;
    await expect(linkAccounts({ bySubject, link, ...none })(idJag(), unused)).resolves.toBeUndefined();
  });

  it.each([7, '', {}])('throws server_error if a callback returns %p', async (value) => {
    const odd = value as string;
    for (const callback of ['bySubject', 'provision'] as const) {
      await expect(linkAccounts({ ...directory, [callback]: () => odd })(idJag(), unused)).rejects.toMatchObject({
        error: 'server_error',
        reason: `${callback} returned something else than an account's id`,
      });
    }
    // Only `true` from link counts as linked, and not the result of a query, for example.
    await expect(
      linkAccounts({ ...directory, link: () => odd as unknown as boolean })(idJag(), unused),
    ).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('returns undefined for an unknown subject without provision', async () => {
    const { bySubject, link } = directory;
    await expect(linkAccounts({ bySubject, link })(idJag(), unused)).resolves.toBeUndefined();
  });
});

describe('defaultAccountId', () => {
  it('is different for each issuer, tenant and subject', () => {
    const ids = [
      idJag({ subject: 'a#b' }),
      idJag({ tenant: 'a', subject: 'b' }),
      idJag({ tenant: 'a#b', subject: 'c' }),
      idJag({ tenant: 'a', subject: 'b#c' }),
      idJag({ subject: '?tenant=a#b' }),
      idJag({ issuer: 'https://idp.example/x', subject: 'b' }),
      idJag({ subject: 'b', audienceTenant: 'a' }),
      idJag({ subject: 'b', audienceTenant: 'red' }),
      idJag({ subject: 'b', tenant: 'a', audienceTenant: 'red' }),
    ].map(defaultAccountId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids[1]).toBe('https://idp.example?tenant=a#b');
  });
});
