import { CredenceError } from '@credence/core';
import { scopesNotIn } from '@credence/protocol';
import { pendingInterrupts } from './pending-interrupts.ts';
import { type RunOfCall, wrongPrincipal } from './run-of-call.ts';
import type { StepUpRequest } from './step-up-approval.ts';
import { answerIn, type StepUpInterrupt, stepUpInterruptIn } from './step-up-question.ts';
import { TaskAnswers } from './task-answers.ts';
import type { ToolCallToApprove } from './tool-call.ts';

/**
 * The approval of the step-ups of one tool call by interrupts of LangGraph. An interrupt ends the call. After the answer LangGraph runs
 * the call again, maybe in another process. Then the answer is taken before anything is sent.
 */
export class StepUpByInterrupt {
  /** Why the call was refused, if an answer refuses it. */
  refusal: CredenceError | undefined;
  readonly #call: ToolCallToApprove;
  readonly #run: RunOfCall;
  readonly #answers: TaskAnswers;
  readonly #approved = new Set<string>();

  constructor(call: ToolCallToApprove, run: RunOfCall) {
    this.#call = call;
    this.#run = run;
    this.#answers = TaskAnswers.of(run.configurable);
  }

  /** Takes the answers to the questions of this call. Afterwards `refusal` is set if the call must not be made. */
  async resume(): Promise<void> {
    this.#answers.claim(this.#isOfThis);
    const pending = await pendingInterrupts(this.#run);
    this.#answers.settle(pending);
    const waiting = pending.flatMap(({ value }) => stepUpInterruptIn(value) ?? []);
    const asked = waiting.find(this.#isOfThis);
    // A call of the same task, which LangGraph runs again with it, must not be made for another principal either.
    if (waiting.some(({ principal }) => principal !== this.#run.principal)) {
      this.refusal = wrongPrincipal(asked?.server);
      return;
    }
    for (const answer of this.#answers.to(this.#isOfThis)) {
      if (answer.refused) this.refusal ??= otherAnswer(answer.server);
      else if (!this.refusal) this.#take(answer, answer);
    }
    if (asked && !this.refusal) this.approve(asked);
  }

  /** Throws the interrupt if there is no answer yet. */
  readonly approve = ({ server, scopes }: StepUpRequest): boolean => {
    const { interrupt, principal } = this.#run;
    const { name, args, id } = this.#call;
    if (this.refusal || interrupt === undefined || id === undefined) return false;
    if (scopesNotIn(scopes, [...this.#approved]).length === 0) return true;
    const asked: StepUpInterrupt = {
      type: 'credence-step-up',
      ...(principal !== undefined && { principal }),
      server,
      scopes,
      call: { name, args, id },
    };
    this.#take(this.#answers.ask(interrupt, asked), asked);
    if (scopesNotIn(scopes, [...this.#approved]).length > 0) this.refusal ??= otherAnswer(server);
    return !this.refusal;
  };

  readonly #isOfThis = (question: Pick<StepUpInterrupt, 'call'>): boolean => isSameCall(question, this.#call);

  #take(answer: unknown, { server }: StepUpInterrupt): void {
    const given = answerIn(answer);
    if (!given) this.refusal = answer === false ? denied(server) : otherAnswer(server);
    else if (given.principal !== this.#run.principal) this.refusal = wrongPrincipal(server);
    else if (given.server !== server || !this.#isOfThis(given)) this.refusal = otherAnswer(server);
    else if (!given.approved) this.refusal = denied(server, given.scopes);
    else for (const scope of given.scopes) this.#approved.add(scope);
  }
}

function isSameCall({ call }: Pick<StepUpInterrupt, 'call'>, { name, id }: ToolCallToApprove): boolean {
  return call.id === id && call.name === name;
}

function denied(server: string, missingScopes?: readonly string[]): CredenceError {
  return notAdded(
    { server, missingScopes },
    `The call needs scopes that the bot does not have at server "${server}", and adding them was not approved.`,
    'Ask for the approval of these scopes, or do not make this call.',
  );
}

function otherAnswer(server: string): CredenceError {
  return notAdded(
    { server },
    `The run was resumed with a value that is not the answer to the step-up of this call at server "${server}".`,
    'Resume the run with stepUpAnswer(interrupt.value, true), one answer for each interrupt.',
  );
}

function notAdded(
  about: { server: string; missingScopes?: readonly string[] | undefined },
  message: string,
  remedy: string,
): CredenceError {
  return new CredenceError({ ...about, code: 'insufficient_scope', leg: 'call', message, remedy, contact: 'you' });
}
