import { createHash } from 'node:crypto';
import { CredenceError } from '@credence/core';
import { scopesNotIn } from '@credence/protocol';
import { pendingInterrupts } from './pending-interrupts.ts';
import { type RunOfCall, wrongPrincipal } from './run-of-call.ts';
import type { StepUpRequest } from './step-up-approval.ts';
import { isSameCall, type StepUpInterrupt, stepUpInterruptIn } from './step-up-question.ts';
import { type KeptAnswer, TaskAnswers } from './task-answers.ts';
import { canonicalJson } from './canonical-json.ts';
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
  readonly #occurrence: number;
  readonly #answers: TaskAnswers;
  readonly #approved = new Set<string>();
  /** The number of answers that were taken. */
  #taken = 0;

  /** @param occurrence the number of equal calls before this one in its task */
  constructor(call: ToolCallToApprove, run: RunOfCall, occurrence = 0) {
    this.#call = call;
    this.#run = run;
    this.#occurrence = occurrence;
    this.#answers = TaskAnswers.of(run.configurable);
  }

  /** Takes the answers to the questions of this call. Afterwards `refusal` is set if the call must not be made. */
  async resume(): Promise<void> {
    this.#answers.claim((answer) => this.#isQuestionOfThis(answer));
    const pending = await pendingInterrupts(this.#run);
    this.#answers.settle(pending);
    const waiting = pending.flatMap(({ value }) => stepUpInterruptIn(value) ?? []);
    const asked = waiting.find((question) => this.#isQuestionOfThis(question));
    // A call of the same task, which LangGraph runs again with it, must not be made for another principal either.
    if (waiting.some(({ principal }) => principal !== this.#run.principal))
      this.refusal = wrongPrincipal(asked?.server);
    else if (asked && this.#run.isOfUnknownPrincipal) this.refusal = unknownToAsk(asked.server);
    else this.#resumed(asked);
  }

  /** Throws the interrupt if there is no answer yet. */
  readonly approve = ({ server, scopes }: StepUpRequest): boolean => {
    const { interrupt, principal } = this.#run;
    const { name, args, id } = this.#call;
    if (this.refusal || interrupt === undefined || id === undefined) return false;
    if (scopesNotIn(scopes, [...this.#approved]).length === 0) return true;
    if (principal === undefined && this.#run.isOfUnknownPrincipal) {
      this.refusal = unknownToAsk(server);
      return false;
    }
    const asked: StepUpInterrupt = {
      type: 'credence-step-up',
      ...(principal !== undefined && { principal }),
      server,
      scopes,
      call: { name, args, id },
      question: this.#question(this.#taken),
    };
    this.#answers.ask(interrupt, asked);
    return false;
  };

  /** Takes the answers to the questions of this call in their order. Asks again if the last one has none. */
  #resumed(asked: StepUpInterrupt | undefined): void {
    let answer = this.#answers.to(this.#question(0));
    while (answer && !this.refusal) {
      this.#take(answer);
      answer = this.#answers.to(this.#question(this.#taken));
    }
    const isAnswered = Array.from({ length: this.#taken }).some((_, at) => this.#question(at) === asked?.question);
    if (!asked || this.refusal || isAnswered) return;
    if (asked.question === this.#question(this.#taken)) this.approve(asked);
    else this.refusal = otherAnswer(asked.server);
  }

  #take({ server, principal, scopes, approved, refused }: KeptAnswer): void {
    this.#taken += 1;
    if (refused) this.refusal = otherAnswer(server);
    else if (principal !== this.#run.principal) this.refusal = wrongPrincipal(server);
    else if (!approved) this.refusal = stepUpDenied(server, scopes);
    else for (const scope of scopes) this.#approved.add(scope);
  }

  #isQuestionOfThis({ question, call }: StepUpInterrupt): boolean {
    if (!isSameCall(call, this.#call)) return false;
    return Array.from({ length: MAX_QUESTIONS }).some((_, number) => this.#question(number) === question);
  }

  /** The same text in each process that runs the task. It is a hash, because a thread can have a name that is not for everyone. */
  #question(number: number): string {
    const { thread_id, checkpoint_ns } = this.#run.configurable;
    const { id, name, args } = this.#call;
    const parts = [
      String(thread_id),
      String(checkpoint_ns),
      id ?? '',
      name,
      canonicalJson(args),
      this.#occurrence,
      number,
    ];
    return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  }
}

/** How many questions of one call can be recognised. Each adds a scope. */
const MAX_QUESTIONS = 20;

/** The refusal of a step-up in a run whose tools depend on its context, if the context has no key to compare with when it is resumed. */
function unknownToAsk(server: string): CredenceError {
  return new CredenceError({
    code: 'no_principal',
    leg: 'configure',
    message: `The call needs scopes that the bot does not have at server "${server}", and the approval cannot be asked for: the context of this run has no key of a principal.`,
    remedy:
      'Set contextKey of accessMiddleware to the member of the context that names the principal, and pass it with each run.',
    contact: 'you',
    server,
  });
}

function stepUpDenied(server: string, missingScopes?: readonly string[]): CredenceError {
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
