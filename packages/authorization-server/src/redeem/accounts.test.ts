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

const unspent: GrantUse = { spend: () => Promise.resolve() };

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

  it('finds an account by subject before anything else', async () => {
    links.set(JSON.stringify({ issuer: 'https://idp.example', subject: 's1' }), 'linked');
    await expect(linkAccounts(directory)(idJag({ verifiedEmail: ANN }), unspent)).resolves.toEqual({
      accountId: 'linked',
      linkedBy: 'subject',
    });
  });

  it('finds it by a verified address once, and by subject from then on', async () => {
    const account = linkAccounts(directory);
    await expect(account(idJag({ verifiedEmail: ANN }), unspent)).resolves.toEqual({
      accountId: 'account-of-ann',
      linkedBy: 'email',
    });
    await expect(account(idJag({ verifiedEmail: 'married@acme.example' }), unspent)).resolves.toEqual({
      accountId: 'account-of-ann',
      linkedBy: 'subject',
    });
    expect(provisioned).toBe(0);
  });

  it('does not look at an address that is not verified', async () => {
    const account = linkAccounts({ ...directory, provision: undefined });
    await expect(account(idJag({ email: ANN }), unspent)).resolves.toBeUndefined();
  });

  it('does not give the account of who had an address to who has it now', async () => {
    const account = linkAccounts(directory);
    await account(idJag({ verifiedEmail: ANN }), unspent);
    await expect(account(idJag({ subject: 's2', verifiedEmail: ANN }), unspent)).rejects.toBeInstanceOf(GrantRefusal);
  });

  it('has an account made where there is none, once', async () => {
    const account = linkAccounts(directory);
    await expect(account(idJag(), unspent)).resolves.toEqual({ accountId: 'new-s1', linkedBy: 'provisioning' });
    await expect(account(idJag(), unspent)).resolves.toEqual({ accountId: 'new-s1', linkedBy: 'subject' });
    expect(provisioned).toBe(1);
  });

  it('tells the subjects of tenants apart', async () => {
    const account = linkAccounts({ ...directory, byEmail: undefined, provision: ({ tenant }) => `of-${tenant}` });
    await expect(account(idJag({ tenant: 'red' }), unspent)).resolves.toMatchObject({ accountId: 'of-red' });
    await expect(account(idJag({ tenant: 'blue' }), unspent)).resolves.toMatchObject({ accountId: 'of-blue' });
  });

  it('spends the ID-JAG after it has looked, and before anything is written', async () => {
    const steps: string[] = [];
    const noted = <T>(step: string, value: T) => {
      steps.push(step);
      return value;
    };
    const account = linkAccounts({
      bySubject: () => noted('bySubject', undefined),
      byEmail: () => noted('byEmail', null),
      provision: () => noted('provision', 'new'),
      link: () => noted('link', true),
    });
    await account(idJag({ verifiedEmail: ANN }), { spend: () => Promise.resolve(noted('spend', undefined)) });
    expect(steps).toEqual(['bySubject', 'byEmail', 'spend', 'provision', 'link']);

    const used = { spend: () => Promise.reject(new GrantRefusal('invalid_grant', 'used before')) };
    await expect(linkAccounts(directory)(idJag(), used)).rejects.toThrow('used before');
    expect({ provisioned, linked: links.size }).toEqual({ provisioned: 0, linked: 0 });
  });

  it('gives one account to all copies of a bot that is new here', async () => {
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
    const copies = await Promise.all(Array.from({ length: 5 }, () => account(idJag(), unspent)));
    expect(new Set(copies.map((copy) => copy?.accountId))).toEqual(new Set(['new-1']));
  });

  it.each([
    ['bySubject', { bySubject: () => null }],
    ['provision', { provision: () => null }],
  ])('takes null of %s for no account', async (_name, none) => {
    const { bySubject, link } = directory;
    await expect(linkAccounts({ bySubject, link, ...none })(idJag(), unspent)).resolves.toBeUndefined();
  });

  it.each([7, '', {}])('takes %p of a callback for a failure of the callback', async (value) => {
    const odd = value as string;
    for (const callback of ['bySubject', 'provision'] as const) {
      await expect(linkAccounts({ ...directory, [callback]: () => odd })(idJag(), unspent)).rejects.toMatchObject({
        error: 'server_error',
        reason: `${callback} returned something else than an account's id`,
      });
    }
    // The result of a query, say: whatever is not true does not link.
    await expect(
      linkAccounts({ ...directory, link: () => odd as unknown as boolean })(idJag(), unspent),
    ).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('refuses where nothing is known and nothing is made', async () => {
    const { bySubject, link } = directory;
    await expect(linkAccounts({ bySubject, link })(idJag(), unspent)).resolves.toBeUndefined();
  });
});

describe('defaultAccountId', () => {
  it('is another for every issuer, tenant and subject', () => {
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
