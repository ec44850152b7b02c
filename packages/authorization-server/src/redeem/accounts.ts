import type { Awaitable, IdJag } from '@credence/protocol';
import { calling } from '../grant/callback.ts';
import { GrantRefusal, serverFailure } from '../grant/refusal.ts';

/** What names a subject for good. An email address does not: it can be given to somebody else. */
export interface SubjectKey {
  /** The claim `iss` of the ID-JAG. */
  readonly issuer: string;
  /** Of a multi-tenant issuer; its `subject` is unique in its tenant only. */
  readonly tenant?: string;
  /** The claim `sub` of the ID-JAG. */
  readonly subject: string;
  /** Where the ID-JAG is for a tenant of this authorization server: its accounts are not those of the other tenants. */
  readonly audienceTenant?: string;
}

/** The ID-JAG that an `account` callback is asked about, for a callback that makes or links accounts. */
export interface GrantUse {
  /**
   * Spends the ID-JAG, and the request's DPoP proof, as the replay policy says: a used one is refused before anything is
   * written for it. Let its rejection through. To be called after all lookups and before the first write; it is called
   * once in any case, at the latest when the callback has returned an account.
   */
  readonly spend: () => Promise<void>;
}

/** The account that a subject is, and how that is known. */
export interface LinkedAccount {
  /** The id of the account at this authorization server. */
  readonly accountId: string;
  /** How it was found; for the audit record. */
  readonly linkedBy: 'subject' | 'email' | 'provisioning';
}

/**
 * The accounts of an authorization server, as far as linking needs them. Where one is asked for, undefined or null means
 * that there is none. Every callback may throw GrantRefusal.
 */
export interface AccountDirectory {
  /** The account that was linked to the subject before. */
  readonly bySubject: (key: SubjectKey) => Awaitable<string | null | undefined>;
  /** The account that has this address, where it is known to be that account's. */
  readonly byEmail?: ((email: string, idJag: IdJag) => Awaitable<string | null | undefined>) | undefined;
  /**
   * A new account for a subject that has none; without one it is refused. The account's id must not come from `subject`
   * alone, which other issuers and tenants have too. Two requests may ask at once for one subject: `link` decides, and the
   * account of the one that loses is left unused.
   */
  readonly provision?: ((idJag: IdJag) => Awaitable<string | null | undefined>) | undefined;
  /**
   * Remembers that the subject is the account, so that it stays the account when its address changes. False, with nothing
   * changed, where the account is any other subject's, of whatever issuer and tenant, or the subject has another account:
   * two unique constraints. That is how an address given to a second person does not open the first one's account.
   */
  readonly link: (key: SubjectKey, accountId: string) => Awaitable<boolean>;
}

/**
 * An `account` callback that finds a subject's account by `iss` and `sub`, then by its verified email address where its
 * issuer may be believed (`linkByEmail` of the trusted issuer), and then has one made, each as far as the directory goes.
 * The ID-JAG is spent before anything is made or linked.
 */
export function linkAccounts(
  directory: AccountDirectory,
): (idJag: IdJag, use: GrantUse) => Promise<LinkedAccount | undefined> {
  const { bySubject, byEmail, provision, link } = directory;
  const linkedTo = async (key: SubjectKey) =>
    accountIdOf('bySubject', await calling('bySubject', () => bySubject(key)));

  return async (idJag, use) => {
    const key = subjectKey(idJag);
    const known = await linkedTo(key);
    if (known !== undefined) return { accountId: known, linkedBy: 'subject' };

    const { verifiedEmail } = idJag;
    const addressed =
      verifiedEmail === undefined || byEmail === undefined
        ? undefined
        : accountIdOf('byEmail', await calling('byEmail', () => byEmail(verifiedEmail, idJag)));
    if (addressed === undefined && provision === undefined) return undefined;

    await use.spend();
    const accountId = addressed ?? accountIdOf('provision', await calling('provision', () => provision?.(idJag)));
    if (accountId === undefined) return undefined;
    // Of whatever else it returns, the result of a query say, it is not known what it means.
    const isLinked: unknown = await calling('link', () => link(key, accountId));
    if (isLinked === true) {
      return { accountId, linkedBy: addressed === undefined ? 'provisioning' : 'email' };
    }
    // Another request of the same subject may have been faster.
    const winner = await linkedTo(key);
    if (winner !== undefined) return { accountId: winner, linkedBy: 'subject' };
    throw new GrantRefusal('invalid_grant', 'the subject has no account here', "the account is another subject's");
  };
}

/** What a callback gave for an account: an id, or undefined for none. Anything else is a failure of the callback. */
export function accountIdOf(callback: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw serverFailure(`${callback} returned something else than an account's id`);
}

export function subjectKey({ issuer, tenant, subject, audienceTenant }: IdJag): SubjectKey {
  return {
    issuer,
    ...(tenant !== undefined && { tenant }),
    subject,
    ...(audienceTenant !== undefined && { audienceTenant }),
  };
}

/**
 * An issuer identifier has neither query nor fragment (RFC 8414 section 2), so no two subjects share an account, nor does
 * one in two tenants of this authorization server.
 */
export function defaultAccountId({ issuer, tenant, audienceTenant, subject }: IdJag): string {
  const tenants = [
    ...(tenant === undefined ? [] : [`tenant=${encodeURIComponent(tenant)}`]),
    ...(audienceTenant === undefined ? [] : [`aud_tenant=${encodeURIComponent(audienceTenant)}`]),
  ];
  return `${issuer}${tenants.length === 0 ? '' : `?${tenants.join('&')}`}#${subject}`;
}
