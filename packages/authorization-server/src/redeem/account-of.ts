import type { IdJag } from '@credence/protocol';
import { callCallback } from '../grant/callback.ts';
import { GrantRefusal } from '../grant/refusal.ts';
import { accountIdOf, defaultAccountId, type GrantUse } from './accounts.ts';
import type { RequestFacts } from './audit.ts';
import type { RedemptionRules } from './options.ts';
import { redemptionSteps } from './steps.ts';

const { step } = redemptionSteps;

/** The account of a subject, and how `linkAccounts` found it. */
export type LinkedAccount = Required<Pick<RequestFacts, 'accountId'>> & Pick<RequestFacts, 'linkedBy'>;

/**
 * Returns the account of the ID-JAG's subject. Calls `markGrantUsed` once: when the `account` callback calls `spend`, or else after
 * the callback has returned an account. Throws GrantRefusal or the error of `markGrantUsed`, both in a step of
 * {@link redemptionSteps}.
 */
export async function accountOf(
  idJag: IdJag,
  rules: RedemptionRules,
  markGrantUsed: () => Promise<void>,
  facts: RequestFacts,
): Promise<LinkedAccount> {
  let marked: Promise<void> | undefined;
  const markUsed = () => {
    marked ??= markGrantUsed();
    // The rejection is thrown below. Without this, it is unhandled if the callback does not await `spend`.
    marked.catch(() => undefined);
    return marked;
  };
  const account = await step(facts, async () => {
    try {
      return await lookUpAccount(idJag, rules, { spend: markUsed });
    } catch (error) {
      await marked;
      throw error;
    }
  });
  await step({ ...facts, ...account }, markUsed);
  return account;
}

async function lookUpAccount(idJag: IdJag, { account }: RedemptionRules, use: GrantUse): Promise<LinkedAccount> {
  if (account === undefined) return { accountId: defaultAccountId(idJag) };
  const result = await callCallback('account', () => account(idJag, use));
  const { accountId, linkedBy } =
    typeof result === 'object' && result !== null ? result : { accountId: result, linkedBy: undefined };
  const id = accountIdOf('account', accountId);
  if (id === undefined) throw new GrantRefusal('invalid_grant', 'the subject has no account here');
  return { accountId: id, ...(linkedBy !== undefined && { linkedBy }) };
}
