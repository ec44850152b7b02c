import { z } from 'zod';
import { CONTEXT_KEY, nameOfKey } from '../approval/principal-key.ts';
import type { ApproveStepUpOption, ToolCallToApprove } from '../approval/tool-call.ts';
import { checked, contextKey, stepUpRule } from '../options.ts';
import type { ToolOrigin } from '../tools/origin.ts';
import type { ToolsOfRun } from './tools-of-run.ts';

/** True approves a call. False or a text denies it. The text is the reason, and the model receives it. */
export type Approval = boolean | string;

/** Options of `accessMiddleware`. */
export interface AccessMiddlewareOptions {
  /**
   * The tools of `loadTools`, or a function that returns those of the principal of a run. Tools that join after `createAgent` are offered
   * to the model and can be called; tools of `loadTools` that are not among these cannot be called; and the model is told which servers
   * are missing. The function is called before each model call and each tool call. If it throws before a model call, the run ends. A
   * `CredenceError` before a tool call becomes a refusal.
   */
  tools?: ToolsOfRun;
  /**
   * The name of the key of the principal in the `context` of a run. With `pool.toolsFor` it must be that of the pool, which is the
   * default then. Default: `principal`.
   */
  contextKey?: string;
  /** Returns true for a tool that the model does not get and must not call. Called before each model call and each tool call. */
  hide?: (tool: { readonly name: string; readonly principal?: string } & Partial<ToolOrigin>) => boolean;
  /**
   * Whether tools are hidden that need a scope that the bot's access token does not have and that is not in `stepUp`. The server must
   * say which scopes a tool needs: `securitySchemes` of the tool, or of its `_meta`. A tool of a server that does not say this is not
   * hidden before the server has refused it. Default: false.
   */
  hideUnusable?: boolean;
  /**
   * How long the tools of a server are hidden from the model after a refusal, in milliseconds, and must not be called. If only the
   * scope of one tool is refused, only that tool is hidden. Default: 60,000. With 0 no tool is hidden. Temporary failures do not hide
   * tools.
   */
  hideRefusedForMs?: number;
  /** Called before each tool call. May call langgraph's `interrupt()` to ask a person. */
  approve?: (call: ToolCallToApprove) => Approval | Promise<Approval>;
  /**
   * Called before a call of a tool of `loadTools` adds scopes of a server's `stepUp` to the bot's access token. Later calls, of
   * this agent or of another, use these scopes without approval. The timeout of the call is running while this function runs.
   * `interrupt`: asks a person by an interrupt of LangGraph, whose value is a `StepUpInterrupt`. The call ends before the server has
   * done anything, and is made again after the answer (`stepUpAnswer`).
   */
  approveStepUp?: ApproveStepUpOption;
  /**
   * What happens when a tool throws an error that is not a refusal. `message` (default): as in an agent without middleware, the model
   * gets the text of the error. `throw`: the error is thrown. Set it if the agent has other middleware that wraps tool calls, such as
   * toolRetryMiddleware, so that the other middleware gets the error.
   */
  toolErrors?: 'message' | 'throw';
}

const rule = <Rule>() =>
  z.custom<NonNullable<Rule>>((value) => typeof value === 'function', 'must be a function').optional();

const options = z.strictObject({
  tools: z
    .custom<ToolsOfRun>(
      (value) => typeof value === 'function' || (typeof value === 'object' && value !== null && 'tools' in value),
      'must be the result of loadTools, or a function that returns one',
    )
    .optional(),
  contextKey: contextKey.unwrap().optional(),
  hide: rule<AccessMiddlewareOptions['hide']>(),
  hideUnusable: z.boolean().default(false),
  hideRefusedForMs: z.number().nonnegative().default(60_000),
  approve: rule<AccessMiddlewareOptions['approve']>(),
  approveStepUp: stepUpRule,
  toolErrors: z.enum(['message', 'throw']).default('message'),
});

const schema = options.superRefine(({ tools, contextKey: name }, issues) => {
  const ofPool = tools && nameOfKey(tools);
  if (name === undefined || ofPool === undefined || name === ofPool) return;
  const message = `is ${JSON.stringify(name)}, but the pool of \`tools\` has ${JSON.stringify(ofPool)}`;
  issues.addIssue({ code: 'custom', path: ['contextKey'], message });
});

export type AccessSettings = z.output<typeof options> & { readonly contextKey: string };

/** Throws `invalid_configuration` for invalid options. */
export function accessSettings(given: AccessMiddlewareOptions): AccessSettings {
  const settings = checked(schema, given, 'accessMiddleware');
  const { tools, contextKey: name } = settings;
  return { ...settings, contextKey: name ?? (tools && nameOfKey(tools)) ?? CONTEXT_KEY };
}
