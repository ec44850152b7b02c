import { AsyncLocalStorage } from 'node:async_hooks';

/** A server requires scopes that the bot may add (its `stepUp`) and that its access token does not have. */
export interface StepUpRequest {
  /** The configured name of the server. */
  readonly server: string;
  /** The scopes to add. */
  readonly scopes: readonly string[];
}

export type ApproveStepUp = (request: StepUpRequest) => boolean | Promise<boolean>;

/** The approval function for the current tool call, which `approveStepUp` calls after a 403. */
const approval = new AsyncLocalStorage<{ readonly approve: ApproveStepUp; readonly byInterrupt: boolean }>();

/**
 * Runs a tool call with an approval function, in addition to one that is already set. An error of `approve` would be lost in
 * the SDK and the tool. So the step-up is denied, and this function throws a StepUpRuleError when the call has ended.
 *
 * After the call has ended, step-ups in its asynchronous context are denied without asking: a connection or a timer that began during
 * the call can send requests later, and nobody has approved anything for them.
 *
 * @param byInterrupt whether `approve` asks by an interrupt of LangGraph
 */
export async function underStepUpApproval<T>(
  approve: ApproveStepUp,
  run: () => Promise<T>,
  { byInterrupt = false } = {},
): Promise<T> {
  const current = approval.getStore();
  const outer = current?.approve;
  let failure: StepUpRuleError | undefined;
  let hasEnded = false;
  const asking: ApproveStepUp = async (request) => {
    if (hasEnded) return false;
    try {
      return (outer === undefined || (await outer(request))) && (await approve(request));
    } catch (error) {
      failure = new StepUpRuleError(error);
      return false;
    }
  };
  const isAsked = byInterrupt || (current?.byInterrupt ?? false);
  const call = approval.run({ approve: asking, byInterrupt: isAsked }, run);
  try {
    const answer = await call;
    if (!failure) return answer;
  } catch (error) {
    if (!failure) throw error;
  } finally {
    hasEnded = true;
  }
  throw failure;
}

/** Whether a step-up of the present call is asked for by an interrupt of LangGraph already. */
export function isAskedByInterrupt(): boolean {
  return approval.getStore()?.byInterrupt ?? false;
}

/** An error that a rule for step-ups threw. */
export class StepUpRuleError extends Error {
  /** What the rule threw. */
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super('a rule for step-ups threw');
    this.thrown = thrown;
  }
}

/** Called by `fetchFor` before a step-up. Without an approval function a step-up that the configuration allows is approved. */
export async function approveStepUp(request: StepUpRequest): Promise<boolean> {
  return (await approval.getStore()?.approve(request)) ?? true;
}
