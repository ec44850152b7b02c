import type { IdJag } from '@credence/protocol';
import { calling } from '../grant/callback.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { accountIdOf, defaultAccountId, type GrantUse } from './accounts.ts';
import type { RedeemDraft } from './audit.ts';
import type { RedemptionRules } from './options.ts';

/**
 * The account of the ID-JAG's subject. Calls `spendGrant` once: when the `account` callback calls `use.spend`, or else after
 * the callback returned an account. Throws GrantRefusal, and the errors of `spendGrant`.
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
    // The rejection is thrown below. Without this, it is unhandled if the callback does not await `spend`.
    spent.catch(() => undefined);
    return spent;
  };
  try {
    draft.accountId = await findAccount(idJag, rules, { spend }, draft);
  } catch (error) {
    await spent;
    throw error;
  }
  await spend();
  return draft.accountId;
}

async function findAccount(
  idJag: IdJag,
  { account }: RedemptionRules,
  use: GrantUse,
  draft: RedeemDraft,
): Promise<string> {
  if (account === undefined) return defaultAccountId(idJag);
  const answer = await calling('account', () => account(idJag, use));
  const { accountId, linkedBy } =
    typeof answer === 'object' && answer !== null ? answer : { accountId: answer, linkedBy: undefined };
  const id = accountIdOf('account', accountId);
  if (id === undefined) throw new GrantRefusal('invalid_grant', 'the subject has no account here');
  if (linkedBy !== undefined) draft.linkedBy = linkedBy;
  return id;
}
