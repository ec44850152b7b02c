import type { ToolOrigin } from '../tools/origin.ts';

/** A tool call that the model requests. */
export interface ToolCallToApprove extends Partial<ToolOrigin> {
  /** The name of the tool, as the model uses it. */
  readonly name: string;
  /** The arguments from the model, which are not yet validated against the schema of the tool. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The id of the call, from the model. */
  readonly id: string | undefined;
  /** The key of the principal of the run: `principal` of its `context`. Absent for a run without one. */
  readonly principal?: string;
}

/** The rule for step-ups: a function that approves or denies, or `interrupt`, which asks by an interrupt of LangGraph. */
export type ApproveStepUpOption =
  | 'interrupt'
  | ((request: {
      readonly server: string;
      readonly scopes: readonly string[];
      readonly call: ToolCallToApprove;
    }) => boolean | Promise<boolean>);
