import type { DynamicStructuredTool, ToolRunnableConfig } from '@langchain/core/tools';
import { refusalMessage } from '../refusals/artifact.ts';
import { ToolRefused } from '../refusals/tool-refused.ts';
import type { OnRefused } from '../tools/guard.ts';
import type { ToolOrigin } from '../tools/origin.ts';
import { runOfCall } from './run-of-call.ts';
import type { InterruptedSteps } from './interrupted-steps.ts';
import { isAskedByInterrupt, StepUpRuleError, underStepUpApproval } from './step-up-approval.ts';
import { StepUpByInterrupt } from './step-up-interrupt.ts';
import type { ApproveStepUpOption, ToolCallToApprove } from './tool-call.ts';

export interface AskingSettings {
  readonly approveStepUp?: ApproveStepUpOption | undefined;
  readonly onRefused: OnRefused;
  /** The name of the key of the principal in the context of a run. */
  readonly contextKey: string;
}

/**
 * Makes a tool ask before a step-up, also outside of an agent with middleware, such as in a ToolNode. An error of the rule, and
 * an interrupt, end the call and are thrown unchanged.
 */
export function askForStepUps(
  tool: DynamicStructuredTool,
  origin: ToolOrigin,
  { approveStepUp, onRefused, contextKey }: AskingSettings,
  steps: InterruptedSteps,
): void {
  if (approveStepUp === undefined) return;
  const run = tool.func.bind(tool);
  tool.func = async (input, runManager, config?: ToolRunnableConfig) => {
    // The middleware of the agent asks the same question.
    if (approveStepUp === 'interrupt' && isAskedByInterrupt()) return run(input, runManager, config);
    const about = runOfCall(config, contextKey);
    const { principal } = about;
    const call: ToolCallToApprove = {
      ...origin,
      name: tool.name,
      args: config?.toolCall?.args ?? (input as ToolCallToApprove['args']),
      id: config?.toolCall?.id,
      ...(principal !== undefined && { principal }),
    };
    const make = async () => run(input, runManager, config);
    try {
      if (approveStepUp !== 'interrupt') {
        return await underStepUpApproval(async (wanted) => approveStepUp({ ...wanted, call }), make);
      }
      return await steps.during(about, call, async (occurrence) =>
        afterAsking(new StepUpByInterrupt(call, about, occurrence), call, make, onRefused),
      );
    } catch (error) {
      throw error instanceof StepUpRuleError ? error.thrown : error;
    }
  };
}

async function afterAsking(
  asking: StepUpByInterrupt,
  call: ToolCallToApprove,
  make: () => Promise<unknown>,
  onRefused: OnRefused,
): Promise<unknown> {
  await asking.resume();
  const answer: unknown = asking.refusal
    ? undefined
    : await underStepUpApproval(asking.approve, make, { byInterrupt: true });
  if (!asking.refusal) return answer;
  if (call.id === undefined || onRefused === 'throw') throw new ToolRefused(asking.refusal);
  return [refusalMessage({ id: call.id, name: call.name }, asking.refusal), undefined];
}
