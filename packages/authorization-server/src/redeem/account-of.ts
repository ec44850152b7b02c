import type { IdJag } from '@credence/protocol';
import { calling } from '../grant/callback.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { accountIdOf, defaultAccountId, type GrantUse } from './accounts.ts';
import type { KnownRedemption } from './audit.ts';
import type { RedemptionRules } from './options.ts';
import { redemptionSteps } from './steps.ts';

const { step } = redemptionSteps;

/** The account of a subject, and how `linkAccounts` found it. */
export type LinkedAccount = Required<Pick<KnownRedemption, 'accountId'>> & Pick<KnownRedemption, 'linkedBy'>;

/**
 * The account that the subject is. The grant is spent once: when the `account` callback says so, or when it has returned
 * an account. Throws a GrantRefusal, or what `spendGrant` throws, in a step of {@link redemptionSteps}.
 */
export async function accountOf(
  idJag: IdJag,
  rules: RedemptionRules,
  spendGrant: () => Promise<void>,
  known: KnownRedemption,
): Promise<LinkedAccount> {
  let spent: Promise<void> | undefined;
  const spend = () => {
    spent ??= spendGrant();
    // The rejection is thrown below. Without this, it is unhandled if the callback does not await `spend`.
    spent.catch(() => undefined);
    return spent;
  };
  const account = await step(known, async () => {
    try {
      return await found(idJag, rules, { spend });
    } catch (error) {
      await spent;
      throw error;
    }
  });
  await step({ ...known, ...account }, spend);
  return account;
}

async function found(idJag: IdJag, { account }: RedemptionRules, use: GrantUse): Promise<LinkedAccount> {
  if (account === undefined) return { accountId: defaultAccountId(idJag) };
  const answer = await calling('account', () => account(idJag, use));
  const { accountId, linkedBy } =
    typeof answer === 'object' && answer !== null ? answer : { accountId: answer, linkedBy: undefined };
  const id = accountIdOf('account', accountId);
  if (id === undefined) throw new GrantRefusal('invalid_grant', 'the subject has no account here');
  return { accountId: id, ...(linkedBy !== undefined && { linkedBy }) };
}
