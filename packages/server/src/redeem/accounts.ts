import type { IdJag } from '../id-jag/types.ts';
import { GrantRefusal } from '../provider/refusal.ts';

/** What names a subject for good. An email address does not: it can be given to somebody else. */
export interface SubjectKey {
  readonly issuer: string;
  /** Of a multi-tenant issuer; its `subject` is unique in its tenant only. */
  readonly tenant?: string;
  readonly subject: string;
}

export interface LinkedAccount {
  readonly accountId: string;
  /** How it was found; for the audit record. */
  readonly linkedBy: 'subject' | 'email' | 'provisioning';
}

type Awaitable<T> = T | Promise<T>;

/** The accounts of an authorization server, as far as linking needs them. Every callback may throw GrantRefusal. */
export interface AccountDirectory {
  /** The account that was linked to the subject before. */
  readonly bySubject: (key: SubjectKey) => Awaitable<string | undefined>;
  /** The account that has this address, where it is known to be that account's. */
  readonly byEmail?: ((email: string, idJag: IdJag) => Awaitable<string | undefined>) | undefined;
  /**
   * A new account for a subject that has none; undefined refuses it. Two requests may ask at once for one subject:
   * `link` decides.
   */
  readonly provision?: ((idJag: IdJag) => Awaitable<string | undefined>) | undefined;
  /**
   * Remembers that the subject is the account, so that it stays the account when its address changes. False, where the
   * account is another subject's of that issuer already, refuses: that is how an address given to a second person does
   * not open the first one's account.
   */
  readonly link: (key: SubjectKey, accountId: string) => Awaitable<boolean>;
}

/**
 * An `account` callback that finds a subject's account by `iss` and `sub`, then by its verified email address where its
 * issuer may be believed (`linkByEmail` of the trusted issuer), and then has one made, each as far as the directory goes.
 */
export function linkAccounts(directory: AccountDirectory): (idJag: IdJag) => Promise<LinkedAccount | undefined> {
  return async (idJag) => {
    const key = subjectKey(idJag);
    const known = await directory.bySubject(key);
    if (known !== undefined) return { accountId: known, linkedBy: 'subject' };
    const { verifiedEmail } = idJag;
    const byEmail = verifiedEmail === undefined ? undefined : await directory.byEmail?.(verifiedEmail, idJag);
    const accountId = byEmail ?? (await directory.provision?.(idJag));
    if (accountId === undefined) return undefined;
    if (!(await directory.link(key, accountId))) {
      throw new GrantRefusal('invalid_grant', 'the subject has no account here', 'the account is another subject’s');
    }
    return { accountId, linkedBy: byEmail === undefined ? 'provisioning' : 'email' };
  };
}

export function subjectKey({ issuer, tenant, subject }: IdJag): SubjectKey {
  return { issuer, ...(tenant !== undefined && { tenant }), subject };
}

/** An issuer identifier has neither query nor fragment (RFC 8414 section 2), so no two subjects share an account. */
export function defaultAccountId({ issuer, tenant, subject }: IdJag): string {
  return `${issuer}${tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`}#${subject}`;
}
