import type { Awaitable, IdJag } from '@credence/protocol';
import { callCallback } from '../grant/callback.ts';
import { GrantRefusal, serverFailure } from '../grant/refusal.ts';

/** The permanent identifier of a subject. An email address is not permanent: it can be given to another person. */
export interface SubjectKey {
  /** The claim `iss` of the ID-JAG. */
  readonly issuer: string;
  /** The claim `tenant`, for a multi-tenant issuer: `subject` is unique only within the tenant. */
  readonly tenant?: string;
  /** The claim `sub` of the ID-JAG. */
  readonly subject: string;
  /** The claim `aud_tenant`, for a multi-tenant authorization server: each of its tenants has its own accounts. */
  readonly audienceTenant?: string;
}

/** Passed to an `account` callback, for one that creates or links accounts. */
export interface GrantUse {
  /**
   * Marks the ID-JAG (by the replay policy) and the request's DPoP proof as used. Rejects if one of them was used before; the
   * callback must not catch this rejection. Call it after all lookups and before the first write, so that nothing is written
   * for a replayed request. If the callback does not call it, it is called after the callback returned an account.
   */
  readonly spend: () => Promise<void>;
}

/** The account of a subject, and how it was found. */
export interface LinkedAccount {
  /** The id of the account at this authorization server. */
  readonly accountId: string;
  /** How it was found; for the audit record. */
  readonly linkedBy: 'subject' | 'email' | 'provisioning';
}

/**
 * The callbacks by which `linkAccounts` finds, creates and links accounts. A callback returns undefined or null if there is
 * no account. Every callback may throw GrantRefusal.
 */
export interface AccountDirectory {
  /** Returns the account that is linked to the subject. */
  readonly bySubject: (key: SubjectKey) => Awaitable<string | null | undefined>;
  /** Returns the account with this email address, if the address of the account is verified. */
  readonly byEmail?: ((email: string, idJag: IdJag) => Awaitable<string | null | undefined>) | undefined;
  /**
   * Creates an account for a subject that has none. Default: such a subject is refused. Do not derive the account's id from
   * `subject` alone: other issuers and tenants can have the same subject. Two concurrent requests for one subject can both
   * create an account. `link` then succeeds for one of them, and the other account stays unused.
   */
  readonly provision?: ((idJag: IdJag) => Awaitable<string | null | undefined>) | undefined;
  /**
   * Links the subject to the account, so that the subject keeps the account when its email address changes. Returns false
   * and changes nothing if another subject (of any issuer and tenant) is linked to the account, or if the subject is linked
   * to another account. In a database, use two unique constraints. With them, a second person who gets the email address
   * of a first person does not get the account of the first person.
   */
  readonly link: (key: SubjectKey, accountId: string) => Awaitable<boolean>;
}

/**
 * Creates an `account` callback. The callback finds a subject's account by `iss` and `sub`, then by the verified email address (if
 * `linkByEmail` of the trusted issuer allows it), and then creates one. The callback skips a step for which the directory has no
 * callback. The ID-JAG is marked as used before an account is created or linked.
 */
export function linkAccounts(
  directory: AccountDirectory,
): (idJag: IdJag, use: GrantUse) => Promise<LinkedAccount | undefined> {
  const { bySubject, byEmail, provision, link } = directory;
  const linkedTo = async (key: SubjectKey) =>
    accountIdOf('bySubject', await callCallback('bySubject', () => bySubject(key)));

  return async (idJag, use) => {
    const key = subjectKey(idJag);
    const linked = await linkedTo(key);
    if (linked !== undefined) return { accountId: linked, linkedBy: 'subject' };

    const { verifiedEmail } = idJag;
    const foundByEmail =
      verifiedEmail === undefined || byEmail === undefined
        ? undefined
        : accountIdOf('byEmail', await callCallback('byEmail', () => byEmail(verifiedEmail, idJag)));
    if (foundByEmail === undefined && provision === undefined) return undefined;

    await use.spend();
    const accountId =
      foundByEmail ?? accountIdOf('provision', await callCallback('provision', () => provision?.(idJag)));
    if (accountId === undefined) return undefined;
    // Only `true` counts: a callback that returns something else, such as a query's result, may not have linked.
    const isLinked: unknown = await callCallback('link', () => link(key, accountId));
    if (isLinked === true) {
      return { accountId, linkedBy: foundByEmail === undefined ? 'provisioning' : 'email' };
    }
    // A concurrent request of the same subject may have linked it to another account.
    const linkedByOtherRequest = await linkedTo(key);
    if (linkedByOtherRequest !== undefined) return { accountId: linkedByOtherRequest, linkedBy: 'subject' };
    throw new GrantRefusal(
      'invalid_grant',
      'the subject has no account here',
      'the account is linked to another subject',
    );
  };
}

/** The account id that a callback returned, or undefined for none. Throws `server_error` for any other value. */
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
 * The account id if there is no `account` callback. An issuer identifier has neither query nor fragment (RFC 8414 section
 * 2), so different issuers, tenants and subjects have different ids.
 */
export function defaultAccountId({ issuer, tenant, audienceTenant, subject }: IdJag): string {
  const tenants = [
    ...(tenant === undefined ? [] : [`tenant=${encodeURIComponent(tenant)}`]),
    ...(audienceTenant === undefined ? [] : [`aud_tenant=${encodeURIComponent(audienceTenant)}`]),
  ];
  return `${issuer}${tenants.length === 0 ? '' : `?${tenants.join('&')}`}#${subject}`;
}
