import type { AnswerEdit, FakeAnswer } from '../answers/answer.ts';
import { type FakeLeg, matches, type RequestFilter } from '../settings/leg.ts';
import type { StandingRefusal } from '../settings/options.ts';

/** What is sent in place of the answer of the fake: an OAuth error for the leg, a whole answer, or other members. */
export type Replacement =
  | {
      readonly error: string;
      readonly description?: string | undefined;
      readonly status?: number | undefined;
      readonly scope?: string | undefined;
    }
  | FakeAnswer
  | AnswerEdit;

/** The refusals that stand until they are lifted. */
export class StandingRefusals {
  readonly #refusals = new Set<StandingRefusal>();

  constructor(refusals: readonly StandingRefusal[]) {
    for (const refusal of refusals) this.add(refusal);
  }

  /** Adds a refusal. Returns a function that lifts it. */
  add(refusal: StandingRefusal): () => void {
    const entry = { ...refusal, leg: refusal.leg ?? 'exchange' };
    this.#refusals.add(entry);
    return () => void this.#refusals.delete(entry);
  }

  /** The replacement for the answer to a request; undefined if no refusal is about it. The newest refusal counts. */
  for(request: RequestFilter): Replacement | undefined {
    const found = [...this.#refusals].findLast((refusal) => matches(refusal, request));
    if (found === undefined) return undefined;
    const { answer = usualError(request.leg) } = found;
    return typeof answer === 'string' ? { error: answer } : answer;
  }
}

/** The errors with which a peer usually refuses for good. */
const USUAL: Readonly<Partial<Record<FakeLeg, string>>> = {
  authenticate: 'invalid_client',
  redeem: 'invalid_grant',
  call: 'invalid_token',
};

function usualError(leg: FakeLeg | undefined): string {
  return (leg && USUAL[leg]) ?? 'access_denied';
}
