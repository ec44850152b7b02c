import { createHash } from 'node:crypto';
import { CredenceError } from '@credence/core';
import { scopesNotIn } from '@credence/protocol';
import { z } from 'zod';
import { pendingInterrupts } from './pending-interrupts.ts';
import { type RunOfCall, wrongPrincipal } from './run-of-call.ts';
import type { StepUpRequest } from './step-up-approval.ts';
import { canonicalJson } from './canonical-json.ts';
import type { ToolCallToApprove } from './tool-call.ts';

/** The value of the interrupt that asks whether a tool call may add scopes. It can be serialised as JSON, and contains no secret. */
export interface StepUpInterrupt {
  /** Identifies this kind of interrupt. */
  readonly type: 'credence-step-up';
  /** The key of the principal of the run. Absent for a run without one. */
  readonly principal?: string;
  /** The configured name of the server. */
  readonly server: string;
  /** The scopes to add. */
  readonly scopes: readonly string[];
  /** The tool call, with the arguments from the model. */
  readonly call: { readonly name: string; readonly args: Readonly<Record<string, unknown>>; readonly id?: string };
  /** Identifies the question: by the thread, the task of LangGraph, the call, and the number of the question in the call. */
  readonly question: string;
}

/** The answer to a {@link StepUpInterrupt}, with which the run is resumed. */
export interface StepUpAnswer extends StepUpInterrupt {
  /** Whether the scopes may be added. */
  readonly approved: boolean;
}

const request = z.object({
  type: z.literal('credence-step-up'),
  principal: z.string().optional(),
  server: z.string(),
  scopes: z.array(z.string()),
  call: z.object({ name: z.string(), args: z.record(z.string(), z.unknown()), id: z.string().optional() }),
  question: z.string(),
});
const answered = request.extend({ approved: z.boolean() });

/** The interrupt of a step-up in a value of an interrupt. Undefined for any other interrupt. */
export function stepUpInterruptIn(value: unknown): StepUpInterrupt | undefined {
  const parsed = request.safeParse(value);
  return parsed.success ? withoutUndefined(parsed.data) : undefined;
}

/**
 * The answer to the interrupt of a step-up: `new Command({ resume: stepUpAnswer(interrupt.value, true) })`. It repeats what was asked,
 * so that it cannot approve another call or be used by another principal. Throws `invalid_configuration` for another kind of value.
 */
export function stepUpAnswer(value: unknown, approved: boolean): StepUpAnswer {
  const asked = stepUpInterruptIn(value);
  if (asked) return { ...asked, approved };
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: 'The first parameter of stepUpAnswer is not the value of an interrupt of a step-up.',
    remedy: 'Pass the value of the interrupt, as `__interrupt__` of the result of the run has it.',
    contact: 'you',
  });
}

/**
 * The approval of the step-ups of one tool call by interrupts of LangGraph. An interrupt ends the call. After the answer LangGraph runs
 * the call again, maybe in another process. Then the answer is taken before anything is sent.
 */
export class StepUpByInterrupt {
  /** Why the call was refused, if an answer refuses it. */
  refusal: CredenceError | undefined;
  readonly #call: ToolCallToApprove;
  readonly #run: RunOfCall;
  readonly #approved = new Set<string>();
  /** The number of answers that were taken. */
  #taken = 0;

  constructor(call: ToolCallToApprove, run: RunOfCall) {
    this.#call = call;
    this.#run = run;
  }

  /** If the call waits for an answer: takes the answer. Afterwards `refusal` is set if the call must not be made. */
  async resume(): Promise<void> {
    const waiting = (await pendingInterrupts(this.#run)).flatMap((value) => stepUpInterruptIn(value) ?? []);
    const asked = waiting.find((value) => isSameCall(value, this.#call) && this.#isQuestionOfThis(value));
    // A call of the same task, which LangGraph runs again with it, must not be made for another principal either.
    if (waiting.some(({ principal }) => principal !== this.#run.principal))
      this.refusal = wrongPrincipal(asked?.server);
    else if (asked && this.#run.isOfUnknownPrincipal) this.refusal = unknownToAsk(asked.server);
    else if (asked) this.#resumed(asked);
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
    this.#take(interrupt(asked), asked);
    return !this.refusal;
  };

  /** Takes the answers to the questions of this call that were asked before, in their order, and the one to the last question. */
  #resumed(asked: StepUpInterrupt): void {
    const { interrupt } = this.#run;
    if (interrupt === undefined) return;
    while (this.#question(this.#taken) !== asked.question && !this.refusal) {
      const question = this.#question(this.#taken);
      const earlier = answered.safeParse(interrupt(asked)).data;
      // It was compared with its question when it was taken first.
      this.#take(earlier, { ...asked, ...(earlier && { server: earlier.server, scopes: earlier.scopes }), question });
    }
    if (!this.refusal) this.#take(interrupt(asked), asked);
  }

  #take(answer: unknown, asked: StepUpInterrupt): void {
    this.#taken += 1;
    const { server, principal, scopes } = asked;
    const parsed = answered.safeParse(answer);
    if (!parsed.success) this.refusal = answer === false ? stepUpDenied(server) : otherAnswer(server);
    else if (parsed.data.principal !== principal) this.refusal = wrongPrincipal(server);
    else if (!isAnswerTo(parsed.data, asked) || !isSameCall(parsed.data, this.#call))
      this.refusal = otherAnswer(server);
    else if (!parsed.data.approved) this.refusal = stepUpDenied(server, scopes);
    else for (const scope of scopes) this.#approved.add(scope);
  }

  #isQuestionOfThis({ question }: StepUpInterrupt): boolean {
    return Array.from({ length: MAX_QUESTIONS }).some((_, number) => this.#question(number) === question);
  }

  /** The same text in each process that runs the task. It is a hash, because a thread can have a name that is not for everyone. */
  #question(number: number): string {
    const { thread_id, checkpoint_ns } = this.#run.configurable;
    const { id, name, args } = this.#call;
    const parts = [String(thread_id), String(checkpoint_ns), id ?? '', name, canonicalJson(args), number];
    return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  }
}

/** How many questions of one call can be recognised. Each adds a scope. */
const MAX_QUESTIONS = 20;

function isAnswerTo(answer: z.output<typeof answered>, { question, server, scopes }: StepUpInterrupt): boolean {
  const isExact = scopesNotIn(scopes, answer.scopes).length === 0 && scopesNotIn(answer.scopes, scopes).length === 0;
  return answer.question === question && answer.server === server && isExact;
}

function isSameCall({ call }: Pick<z.output<typeof request>, 'call'>, { name, id, args }: ToolCallToApprove): boolean {
  return call.id === id && call.name === name && canonicalJson(call.args) === canonicalJson(args);
}

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

function withoutUndefined({ principal, call: { id, ...call }, ...rest }: z.output<typeof request>): StepUpInterrupt {
  return {
    ...rest,
    ...(principal !== undefined && { principal }),
    call: { ...call, ...(id !== undefined && { id }) },
  };
}
