import { type AgentMiddleware, createMiddleware, type ToolMessage } from 'langchain';
import { z } from 'zod';
import { checked } from '../options.ts';
import { type DenialArtifact, errorMessage, refusalOf } from '../refusals/artifact.ts';
import { type ToolOrigin, toolOrigin } from '../tools/origin.ts';
import { RecentRefusals } from './hidden-tools.ts';
import { type StepUpRequest, underStepUpApproval } from './step-up-approval.ts';

/** A tool call that the model requests. */
export interface ToolCallToApprove extends Partial<ToolOrigin> {
  /** The name of the tool, as the model uses it. */
  readonly name: string;
  /** The arguments from the model, which are not yet validated against the schema of the tool. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The id of the call, from the model. */
  readonly id: string | undefined;
}

/** True approves a call. False or a text denies it. The text is the reason, and the model receives it. */
export type Verdict = boolean | string;

/** Options of `accessMiddleware`. */
export interface AccessMiddlewareOptions {
  /** Returns true for a tool that the model does not get and must not call. Called before each model call and each tool call. */
  hide?: (tool: { readonly name: string } & Partial<ToolOrigin>) => boolean;
  /**
   * How long the tools of a server are hidden from the model after a refusal, in milliseconds. If only the scope of one tool is
   * refused, only that tool is hidden. Default: 60,000. With 0 no tool is hidden. Temporary failures do not hide tools.
   */
  hideRefusedForMs?: number;
  /** Called before each tool call. May call langgraph's `interrupt()` to ask a person. */
  approve?: (call: ToolCallToApprove) => Verdict | Promise<Verdict>;
  /**
   * Called before a call of a tool of `loadTools` adds scopes of a server's `stepUp` to the bot's access token. Later calls, of
   * this agent or of another, use these scopes without approval. The timeout of the call is running while this function runs.
   * To ask a person, call langgraph's `interrupt()`: it ends the call, and the call is made again after the answer.
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
 * Middleware with rules for the tool calls of an agent: it hides tools, and asks for approval of calls and of step-ups. The
 * middleware is optional: `loadTools` handles refusals without it. For a call that is not allowed, the model gets an error
 * message with a DenialArtifact, and the run continues.
 *
 * Limits. The rules apply to the calls of one agent. The IdP, and `scopes` and `stepUp` in the configuration, decide what the bot
 * may do at all. A rule that throws ends the run, and the call or the step-up does not happen. With middleware that wraps tool
 * calls, LangChain ends a run when a tool throws. Tools of `loadTools` throw only with `onRefused: 'throw'` and for aborts. For
 * other tools use langchain's toolErrorMiddleware. If every tool is hidden, the model is called without tools. Some providers
 * refuse that in the middle of a conversation.
 *
 * Throws `invalid_configuration` for invalid options.
 */
export function accessMiddleware(options: AccessMiddlewareOptions = {}): AgentMiddleware {
  const { hide, approve, approveStepUp, hideRefusedForMs } = checked(schema, options, 'accessMiddleware');
  const refused = new RecentRefusals(hideRefusedForMs);

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
      if (refusal && origin) refused.add(origin, refusal);
      return answer;
    },
  });
}

function denied(call: ToolCallToApprove, denial: Omit<DenialArtifact, 'type'>): ToolMessage {
  const artifact: DenialArtifact = { type: 'credence-denial', ...denial };
  const text =
    denial.rule === 'hide'
      ? `The tool ${call.name} is not available to this agent. Continue without it.`
      : `This call of ${call.name} was not approved${denial.reason === undefined ? '.' : `: ${denial.reason}`}`;
  return errorMessage({ id: call.id ?? '', name: call.name }, text, artifact);
}
