import { AsyncLocalStorage } from 'node:async_hooks';

/** A server has asked for scopes the bot may add (its `stepUp`) and has not got yet. */
export interface StepUpRequest {
  /** The configured name of the server. */
  readonly server: string;
  /** The scopes that would be added. */
  readonly scopes: readonly string[];
}

export type ApproveStepUp = (request: StepUpRequest) => boolean | Promise<boolean>;

/** The approval that the tool call under way is subject to: set by accessMiddleware, read where the server's 403 arrives. */
const approval = new AsyncLocalStorage<ApproveStepUp>();

/**
 * Runs a tool call under an approval, on top of the one it is already under. What `approve` throws would be lost on its way
 * through the SDK and the tool: the step-up is refused, and it is thrown from here when the call has ended.
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

/** What `fetchFor` asks before a step-up. Outside of accessMiddleware a configured step-up needs no approval. */
export async function approveStepUp(request: StepUpRequest): Promise<boolean> {
  return (await approval.getStore()?.(request)) ?? true;
}
