import { beforeEach, describe, expect, it } from '@jest/globals';
import type { IdJag } from '../id-jag/types.ts';
import { GrantRefusal } from '../provider/refusal.ts';
import { type AccountDirectory, defaultAccountId, linkAccounts } from './accounts.ts';

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
    await expect(linkAccounts(directory)(idJag({ verifiedEmail: ANN }))).resolves.toEqual({
      accountId: 'linked',
      linkedBy: 'subject',
    });
  });

  it('finds it by a verified address once, and by subject from then on', async () => {
    const account = linkAccounts(directory);
    await expect(account(idJag({ verifiedEmail: ANN }))).resolves.toEqual({
      accountId: 'account-of-ann',
      linkedBy: 'email',
    });
    await expect(account(idJag({ verifiedEmail: 'married@acme.example' }))).resolves.toEqual({
      accountId: 'account-of-ann',
      linkedBy: 'subject',
    });
    expect(provisioned).toBe(0);
  });

  it('does not look at an address that is not verified', async () => {
    const account = linkAccounts({ ...directory, provision: undefined });
    await expect(account(idJag({ email: ANN }))).resolves.toBeUndefined();
  });

  it('does not give the account of who had an address to who has it now', async () => {
    const account = linkAccounts(directory);
    await account(idJag({ verifiedEmail: ANN }));
    await expect(account(idJag({ subject: 's2', verifiedEmail: ANN }))).rejects.toBeInstanceOf(GrantRefusal);
  });

  it('has an account made where there is none, once', async () => {
    const account = linkAccounts(directory);
    await expect(account(idJag())).resolves.toEqual({ accountId: 'new-s1', linkedBy: 'provisioning' });
    await expect(account(idJag())).resolves.toEqual({ accountId: 'new-s1', linkedBy: 'subject' });
    expect(provisioned).toBe(1);
  });

  it('tells the subjects of tenants apart', async () => {
    const account = linkAccounts({ ...directory, byEmail: undefined, provision: ({ tenant }) => `of-${tenant}` });
    await expect(account(idJag({ tenant: 'red' }))).resolves.toMatchObject({ accountId: 'of-red' });
    await expect(account(idJag({ tenant: 'blue' }))).resolves.toMatchObject({ accountId: 'of-blue' });
  });

  it('refuses where nothing is known and nothing is made', async () => {
    const { bySubject, link } = directory;
    await expect(linkAccounts({ bySubject, link })(idJag())).resolves.toBeUndefined();
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
    ].map(defaultAccountId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids[1]).toBe('https://idp.example?tenant=a#b');
  });
});
