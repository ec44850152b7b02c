import { type AgentMiddleware, createMiddleware, type ToolMessage } from 'langchain';
import { z } from 'zod';
import { checked } from '../options.ts';
import { type DenialArtifact, errorMessage, refusalOf } from '../refusals/artifact.ts';
import { type ToolOrigin, toolOrigin } from '../tools/origin.ts';
import { RefusedLately } from './hidden-tools.ts';
import { type StepUpRequest, underStepUpApproval } from './step-up-approval.ts';

/** A call that a model wants to make. */
export interface ToolCallToApprove extends Partial<ToolOrigin> {
  /** The tool's name as the model knows it. */
  readonly name: string;
  /** The arguments that the model chose. They are not checked yet against the tool's schema. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The id that the model gave the call. */
  readonly id: string | undefined;
}

/** True lets it happen; false, or a sentence that says why, does not. The sentence is shown to the model. */
export type Verdict = boolean | string;

/** Options of `accessMiddleware`. */
export interface AccessMiddlewareOptions {
  /** Tools a model neither sees nor may call; asked before each model call and each tool call. */
  hide?: (tool: { readonly name: string } & Partial<ToolOrigin>) => boolean;
  /**
   * How long the tools of a server that refused stay hidden from the model, in milliseconds; of a refusal that concerns one
   * tool's scope, that tool alone. Default: 60,000; 0 hides nothing. Failures that may pass hide nothing either.
   */
  hideRefusedForMs?: number;
  /** Asked before each tool call. May call langgraph's `interrupt()` to ask a person. */
  approve?: (call: ToolCallToApprove) => Verdict | Promise<Verdict>;
  /**
   * Asked before a call of a tool of `loadTools` adds scopes to the bot's access (a server's `stepUp`). Asked when they are
   * added: the calls after it, of this agent or another, go out with them. The call's timeout runs meanwhile; to ask a person,
   * call langgraph's `interrupt()`, for which the call is given up and made again.
   */
  approveStepUp?: (request: StepUpRequest & { readonly call: ToolCallToApprove }) => boolean | Promise<boolean>;
}

const rule = <Rule>() =>
  z.custom<NonNullable<Rule>>((value) => typeof value === 'function', 'must be a function').optional();

const schema = z.strictObject({
  hide: rule<AccessMiddlewareOptions['hide']>(),
  hideRefusedForMs: z.number().nonnegative().default(60_000),
  approve: rule<AccessMiddlewareOptions['approve']>(),
  approveStepUp: rule<AccessMiddlewareOptions['approveStepUp']>(),
});

/**
 * Rules about what an agent may reach: hides tools, asks for approval of calls and of step-ups. `loadTools` words refusals
 * without it. A call that is not allowed becomes an error message in our words with a DenialArtifact, and the run goes on.
 *
 * Limits. It governs one agent's calls; what the bot may do at all is decided by the IdP and by `scopes` and `stepUp`. An
 * error thrown by a rule ends the run, and what it was asked about does not happen. LangChain ends a run when a tool throws under any middleware of this kind: tools of
 * `loadTools` do so only for `onRefused: 'throw'`; for others use langchain's toolErrorMiddleware. Where every tool is hidden
 * the model is called with none, which some providers refuse in the middle of a conversation.
 *
 * Throws `invalid_configuration`.
 */
export function accessMiddleware(options: AccessMiddlewareOptions = {}): AgentMiddleware {
  const { hide, approve, approveStepUp, hideRefusedForMs } = checked(schema, options, 'accessMiddleware');
  const refused = new RefusedLately(hideRefusedForMs);

  return createMiddleware({
    name: 'CredenceAccess',
    async wrapModelCall(request, handler) {
      const tools = request.tools.filter((tool) => {
        const origin = toolOrigin(tool);
        if (origin && refused.has(origin)) return false;
        return !('name' in tool && typeof tool.name === 'string' && hide?.({ name: tool.name, ...origin }));
      });
      return handler({ ...request, tools });
    },
    async wrapToolCall(request, handler) {
      const { toolCall, tool } = request;
      const origin = toolOrigin(tool);
      const call: ToolCallToApprove = { ...origin, name: toolCall.name, args: toolCall.args, id: toolCall.id };
      if (hide?.({ name: call.name, ...origin })) return denied(call, { rule: 'hide' });
      const verdict = (await approve?.(call)) ?? true;
      if (verdict === false) return denied(call, { rule: 'approve' });
      if (typeof verdict === 'string') return denied(call, { rule: 'approve', reason: verdict });

      const run = async () => handler(request);
      const answer = approveStepUp
        ? await underStepUpApproval(async (wanted) => approveStepUp({ ...wanted, call }), run)
        : await run();
      const refusal = refusalOf(answer);
      if (refusal && origin) refused.note(origin, refusal);
      return answer;
    },
  });
}

function denied(call: ToolCallToApprove, denial: Omit<DenialArtifact, 'type'>): ToolMessage {
  const artifact: DenialArtifact = { type: 'credence-denial', ...denial };
  const words =
    denial.rule === 'hide'
      ? `The tool ${call.name} is not available to this agent. Go on without it.`
      : `This call of ${call.name} was not approved${denial.reason === undefined ? '.' : `: ${denial.reason}`}`;
  return errorMessage({ id: call.id ?? '', name: call.name }, words, artifact);
}
