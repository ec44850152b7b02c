import type { IdJag } from '@credence/protocol';
import { calling } from '../grant/callback.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { accountIdOf, defaultAccountId, type GrantUse } from './accounts.ts';
import type { RedeemDraft } from './audit.ts';
import type { RedemptionRules } from './options.ts';

/**
 * The account that the subject is. The grant is spent once: when the `account` callback says so, or when it has returned
 * an account. Throws GrantRefusal, and what `spendGrant` throws.
 */
export async function accountOf(
  idJag: IdJag,
  rules: RedemptionRules,
  spendGrant: () => Promise<void>,
  draft: RedeemDraft,
): Promise<string> {
  let spent: Promise<void> | undefined;
  const spend = () => {
    spent ??= spendGrant();
    // A callback that does not wait for it is not asked to handle its rejection, which is thrown below.
    spent.catch(() => undefined);
    return spent;
  };
  try {
    draft.accountId = await found(idJag, rules, { spend }, draft);
  } catch (error) {
    await spent;
    throw error;
  }
  await spend();
  return draft.accountId;
}

async function found(idJag: IdJag, { account }: RedemptionRules, use: GrantUse, draft: RedeemDraft): Promise<string> {
  if (account === undefined) return defaultAccountId(idJag);
  const answer = await calling('account', () => account(idJag, use));
  const { accountId, linkedBy } =
    typeof answer === 'object' && answer !== null ? answer : { accountId: answer, linkedBy: undefined };
  const id = accountIdOf('account', accountId);
  if (id === undefined) throw new GrantRefusal('invalid_grant', 'the subject has no account here');
  if (linkedBy !== undefined) draft.linkedBy = linkedBy;
  return id;
}
