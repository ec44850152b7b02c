import { AsyncLocalStorage } from 'node:async_hooks';

/** A server requires scopes that the bot may add (its `stepUp`) and that its access token does not have. */
export interface StepUpRequest {
  /** The configured name of the server. */
  readonly server: string;
  /** The scopes to add. */
  readonly scopes: readonly string[];
}

export type ApproveStepUp = (request: StepUpRequest) => boolean | Promise<boolean>;

/** The approval function for the current tool call. accessMiddleware sets it, and `approveStepUp` calls it after a 403. */
const approval = new AsyncLocalStorage<ApproveStepUp>();

/**
 * Runs a tool call with an approval function, in addition to one that is already set. An error of `approve` would be lost in
 * the SDK and the tool. So the step-up is denied, and this function throws the error when the call has ended.
 */
export async function underStepUpApproval<T>(approve: ApproveStepUp, run: () => Promise<T>): Promise<T> {
  const outer = approval.getStore();
  let failure: { error: unknown } | undefined;
  const answer = await approval.run(async (request) => {
    try {
      return (outer === undefined || (await outer(request))) && (await approve(request));
    } catch (error) {
      failure = { error };
      return false;
    }
  }, run);
  if (failure) throw failure.error;
  return answer;
}

/** Called by `fetchFor` before a step-up. Without accessMiddleware a step-up that the configuration allows is approved. */
export async function approveStepUp(request: StepUpRequest): Promise<boolean> {
  return (await approval.getStore()?.(request)) ?? true;
}
