import { credenceErrorIn, isCredenceError } from '@credence/core';
import type { Command } from '@langchain/langgraph';
import { type ToolCallRequest, ToolMessage } from 'langchain';
import { scopesOutOfReach } from '../access/tool-access.ts';
import { InterruptedSteps } from '../approval/interrupted-steps.ts';
import { principalKey, principalOfTools } from '../approval/principal-key.ts';
import { type RunOfCall, runOfCall, wrongPrincipal } from '../approval/run-of-call.ts';
import { type StepUpRequest, StepUpRuleError, underStepUpApproval } from '../approval/step-up-approval.ts';
import { StepUpByInterrupt } from '../approval/step-up-interrupt.ts';
import type { ToolCallToApprove } from '../approval/tool-call.ts';
import type { LoadedTools } from '../loaded-tools.ts';
import type { RunConfig } from '../pool/key.ts';
import { isRefusalArtifact, type RefusalArtifact, refusalArtifact, refusalOf } from '../refusals/artifact.ts';
import { toolOrigin } from '../tools/origin.ts';
import { denied } from './denied.ts';
import { RecentRefusals } from './recent-refusals.ts';
import type { AccessSettings } from './options.ts';
import { observed, outcomeOf } from './other-errors.ts';
import { principalOfState } from './principal-of-run.ts';
import { ToldRefusals } from './told-refusals.ts';
import { type AnyTool, calledTool, nameOf } from './tools-of-run.ts';

type Request = ToolCallRequest<{ _credencePrincipal?: string | null | undefined }>;
type Answer = ToolMessage | Command;
/** Calls a tool. Undefined: no such tool is known. */
type Call = (tool: AnyTool | undefined) => Promise<Answer>;

/** The rules of one `accessMiddleware`, for the tool calls of all runs of its agent. */
export class Access {
  readonly #settings: AccessSettings;
  readonly #told = new ToldRefusals();
  readonly #steps = new InterruptedSteps();
  /** By the tools of a run, because a refusal of one principal says nothing about another. */
  readonly #refused = new WeakMap<object, RecentRefusals>();

  constructor(settings: AccessSettings) {
    this.#settings = settings;
  }

  async toolsOf(config: RunConfig): Promise<LoadedTools | undefined> {
    const { tools } = this.#settings;
    return typeof tools === 'function' ? tools(config) : tools;
  }

  /** The key of the principal of a run: that of its tools, if they are of a pool. */
  principalOf({ context }: { context?: unknown }, loaded: LoadedTools | undefined): string | undefined {
    return principalOfTools(loaded) ?? principalKey(context, this.#settings.contextKey);
  }

  /** Whether the model does not get a tool. */
  isHidden(tool: AnyTool, loaded: LoadedTools | undefined, config: RunConfig): boolean {
    const origin = toolOrigin(tool);
    const principal = this.principalOf(config, loaded);
    return (
      this.#ruleThatHides(tool, principal) !== undefined ||
      (origin !== undefined && this.#refusals(loaded).of({ ...origin, principal }) !== undefined)
    );
  }

  /** Handles one tool call of the model. */
  async handle({ toolCall, tool: registered, state, runtime }: Request, call: Call): Promise<Answer> {
    const named = { id: toolCall.id ?? '', name: toolCall.name };
    const tell = (refusal: RefusalArtifact, full?: ToolMessage) =>
      this.#told.message(named, refusal, state.messages, full);
    const loaded = await this.toolsOf(runtime).catch(
      (error: unknown) => credenceErrorIn(error) ?? Promise.reject(error),
    );
    const run = this.#runOf(runtime, isCredenceError(loaded) ? undefined : loaded);
    if (run.principal !== principalOfState(state)) return tell(refusalArtifact(wrongPrincipal()));
    if (isCredenceError(loaded)) return tell(refusalArtifact(loaded));
    const tool = calledTool(named.name, registered, loaded);
    if (tool === 'not-of-run') return denied(named, { rule: 'tools' });
    const origin = toolOrigin(tool);
    const { principal } = run;
    const rule = this.#ruleThatHides(tool ?? { name: named.name }, principal);
    if (rule) return denied(named, { rule });
    const refused = origin && this.#refusals(loaded).of({ ...origin, principal });
    if (refused) return tell(refused);

    const asked: ToolCallToApprove = {
      ...origin,
      ...named,
      args: toolCall.args,
      id: toolCall.id,
      ...(principal !== undefined && { principal }),
    };
    const verdict = (await this.#settings.approve?.(asked)) ?? true;
    if (verdict === false) return denied(named, { rule: 'approve' });
    if (typeof verdict === 'string') return denied(named, { rule: 'approve', reason: verdict });

    const asking = this.#settings.approveStepUp === 'interrupt' ? new StepUpByInterrupt(asked, run) : undefined;
    const make = async () => this.#made(asked, asking, (observe) => call(tool && observed(tool, observe)));
    const made = await (asking ? this.#steps.during(run, asked, make) : make());
    // A person who denies this call may approve the next one: nothing is hidden.
    if (asking?.refusal) return tell(refusalArtifact(asking.refusal));
    const refusal = isRefusalArtifact(made) ? made : refusalOf(made);
    if (refusal && origin) this.#refusals(loaded).add({ ...origin, principal }, refusal);
    if (isRefusalArtifact(made)) return tell(made);
    return refusal && ToolMessage.isInstance(made) ? tell(refusal, made) : made;
  }

  #runOf(runtime: Request['runtime'], loaded: LoadedTools | undefined): RunOfCall {
    const { contextKey, tools } = this.#settings;
    const principal = this.principalOf(runtime, loaded);
    const isOfUnknownPrincipal =
      principal === undefined && typeof tools === 'function' && Object.keys(runtime.context ?? {}).length > 0;
    return { ...runOfCall(runtime, contextKey), principal, isOfUnknownPrincipal };
  }

  /** Makes the call. Returns the answer of the tool, or why the call was refused. */
  async #made(
    asked: ToolCallToApprove,
    asking: StepUpByInterrupt | undefined,
    call: (observe: (signal: AbortSignal | undefined) => void) => Promise<Answer>,
  ): Promise<Answer | RefusalArtifact> {
    const { approveStepUp, toolErrors } = this.#settings;
    await asking?.resume();
    if (asking?.refusal) return refusalArtifact(asking.refusal);
    const approve =
      typeof approveStepUp === 'function'
        ? async (wanted: StepUpRequest) => approveStepUp({ ...wanted, call: asked })
        : asking?.approve;
    let signal: AbortSignal | undefined;
    const make = async () => call((observed) => (signal = observed));
    try {
      return await (approve ? underStepUpApproval(approve, make, { byInterrupt: asking !== undefined }) : make());
    } catch (error) {
      if (error instanceof StepUpRuleError) throw error.thrown;
      const refusal = signal?.aborted ? undefined : credenceErrorIn(error);
      if (refusal) return refusalArtifact(refusal);
      if (toolErrors === 'throw') throw error;
      return outcomeOf(error, { id: asked.id ?? '', name: asked.name }, signal);
    }
  }

  /** The rule that hides a tool from the model, and because of which it cannot be called. */
  #ruleThatHides(tool: AnyTool, principal: string | undefined): 'hide' | 'hideUnusable' | undefined {
    const { hide, hideUnusable } = this.#settings;
    const name = nameOf(tool);
    if (name !== '' && hide?.({ name, ...toolOrigin(tool), ...(principal !== undefined && { principal }) }))
      return 'hide';
    return hideUnusable && scopesOutOfReach(tool).length > 0 ? 'hideUnusable' : undefined;
  }

  #refusals(loaded: LoadedTools | undefined): RecentRefusals {
    const owner = loaded ?? this;
    const refusals = this.#refused.get(owner) ?? new RecentRefusals(this.#settings.hideRefusedForMs);
    this.#refused.set(owner, refusals);
    return refusals;
  }
}
